import { type OrderEvent, sameOrder } from '@lab/common/domain/events.ts'
import type { ConsumeMessage } from 'amqplib'
import type { z } from 'zod'

/** Events beyond this size are not ours: CloudEvents asks for no more than 64 KiB to be carried. */
export const MAX_EVENT_BYTES = 64 * 1024

export type ReadEvent<Event> =
  | { event: Event; malformed?: undefined }
  | { event?: undefined; malformed: string }

/** The event in a message, or why it is malformed. A malformed message never gets better: it is dead-lettered. */
export function readEvent<Event extends OrderEvent>(
  schema: z.ZodType<Event>,
  { content, properties }: Pick<ConsumeMessage, 'content' | 'properties'>,
): ReadEvent<Event> {
  if (content.length > MAX_EVENT_BYTES)
    return malformed(`the body has ${content.length} bytes, more than ${MAX_EVENT_BYTES}`)
  if (typeof properties.messageId !== 'string' || properties.messageId === '')
    return malformed('no message id property')

  const json = parseJson(content)
  if (json === undefined) return malformed('the body is not JSON')
  const parsed = schema.safeParse(json)
  if (!parsed.success) return malformed(describeIssue(parsed.error.issues[0]))

  const event = parsed.data
  if (event.id !== properties.messageId)
    return malformed(`the message id property '${properties.messageId}' is not the event's id '${event.id}'`)
  if (properties.type !== undefined && properties.type !== event.type)
    return malformed(`the type property '${properties.type}' is not the event's type '${event.type}'`)
  if (!sameOrder(event))
    return malformed(`subject '${event.subject}' is not data.order_id '${event.data.order_id}'`)
  return { event }
}

const malformed = (why: string) => ({ malformed: `malformed: ${why}` })

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    // The caller names it; what the parser says of the body's first bytes adds nothing to a dead letter.
    return undefined
  }
}

function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return 'does not match the schema'
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`
}
