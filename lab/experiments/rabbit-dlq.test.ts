import { OrderPlaced, sameOrder } from '@lab/common/domain/events.ts'
import { describe, expect, test } from 'vitest'
import { malformedMessages } from './rabbit-dlq.ts'

const messages = malformedMessages()

describe('malformed messages', () => {
  test.each(messages)('$kind is no order that could be placed', ({ body, properties }) => {
    expect(isSound(body) && properties.messageId !== undefined).toBe(false)
  })

  test('are of at least six kinds, each of its own name', () => {
    expect(new Set(messages.map(({ kind }) => kind)).size).toBe(messages.length)
    expect(messages.length).toBeGreaterThanOrEqual(6)
  })

  test('are sound in all but what is wrong with them', () => {
    const sound = messages.filter(({ body }) => isSound(body)).map(({ kind }) => kind)

    expect(sound).toEqual(['no message id'])
  })
})

function isSound(body: string): boolean {
  if (body.length > 64 * 1024) return false
  try {
    const event = OrderPlaced.safeParse(JSON.parse(body))
    return event.success && sameOrder(event.data)
  } catch {
    // Not JSON.
    return false
  }
}
