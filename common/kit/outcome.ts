/** What a handler decided about one message. The broker folder turns it into exactly one settlement. */
export type Outcome =
  | { kind: 'ack'; duplicate?: true }
  | { kind: 'retry'; reason: string }
  | { kind: 'dead-letter'; reason: string }

export const ack = (): Outcome => ({ kind: 'ack' })
/** Acknowledged without effect: this message id was handled before. */
export const duplicate = (): Outcome => ({ kind: 'ack', duplicate: true })
export const retry = (reason: string): Outcome => ({ kind: 'retry', reason })
export const deadLetter = (reason: string): Outcome => ({ kind: 'dead-letter', reason })
