/** What must become of a message. */
export type Verdict =
  /** An event of the consumer: it has its effect, or is recognised as one that was there before. */
  | { kind: 'event'; event: KnownEvent }
  /** Never an event: a dead letter says why, and nothing else happens. */
  | { kind: 'poison' }

/** The parts of an event that its effects follow from. */
export interface KnownEvent {
  id: string
  type: 'OrderPlaced' | 'InventoryReserved' | 'InventoryFailed'
  data: { order_id: string; item: 'burger' | 'pizza' | 'salad'; quantity: number }
}

export interface MessageCase {
  kind: string
  body: Buffer | null
  /** The routing key in RabbitMQ, the record's key in Kafka. */
  key: string | null
  /** What RabbitMQ knows of the message beside its body; Kafka has headers alone. */
  properties: {
    messageId?: string
    type?: string
    contentType?: string
    correlationId?: string
    priority?: number
  }
  headers: Record<string, unknown>
}

/** A command for people: the message as it was. */
export function describeCase({ key, body, properties, headers }: MessageCase): string {
  const text = body === null ? null : body.toString()
  const isText = body === null || Buffer.from(text!).equals(body)
  const shown = isText ? text : `base64 ${body.toString('base64')}`
  const all = JSON.stringify({ key, body: shown, properties, headers })
  return all.length <= MAX_SHOWN
    ? all
    : `${all.slice(0, MAX_SHOWN)}… (${all.length} characters; --case repeats it)`
}

const MAX_SHOWN = 2_000
