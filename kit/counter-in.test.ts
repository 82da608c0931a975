import { createMetrics } from '@lab/kit/metrics.ts'
import { ack, duplicate } from '@lab/kit/outcome.ts'
import { describe, expect, test } from 'vitest'
import { counterIn } from './counter-in.ts'

const NAME = 'lab_messages_consumed_total'

describe('a counter in Prometheus text', () => {
  test('is read as the services write it', async () => {
    const metrics = createMetrics('inventory-service')
    metrics.messagesConsumed('inventory_queue', [ack(), duplicate(), duplicate()], 0.01)
    metrics.messagesConsumed('other_queue', [duplicate()], 0.01)
    const text = await metrics.registry.metrics()

    expect(counterIn(text, NAME, { source: 'inventory_queue', outcome: 'duplicate' })).toBe(2)
    expect(counterIn(text, NAME, { outcome: 'duplicate' })).toBe(3)
    expect(counterIn(text, NAME, { source: 'inventory_queue', outcome: 'ack' })).toBe(1)
  })

  test('is 0 before it has counted, and does not take another name for its own', () => {
    expect(counterIn(`${NAME}_created{outcome="ack"} 7`, NAME, { outcome: 'ack' })).toBe(0)
  })
})
