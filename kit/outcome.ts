/** What a handler decided about one message. The broker folder turns it into exactly one settlement. */
export type Outcome =
  | { kind: 'ack'; duplicate?: true }
  | { kind: 'retry'; reason: string }
  | { kind: 'dead-letter'; reason: string }

const ACK: Outcome = Object.freeze({ kind: 'ack' })
const DUPLICATE: Outcome = Object.freeze({ kind: 'ack', duplicate: true })

export const ack = (): Outcome => ACK
/** Acknowledged without effect: this message id was handled before. */
export const duplicate = (): Outcome => DUPLICATE
export const retry = (reason: string): Outcome => ({ kind: 'retry', reason })
export const deadLetter = (reason: string): Outcome => ({ kind: 'dead-letter', reason })
