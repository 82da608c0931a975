import { ack, deadLetter, duplicate, type Outcome, retry } from '@lab/kit/outcome.ts'
import type { ConsumeMessage } from 'amqplib'
import { describe, expect, test } from 'vitest'
import type { Outgoing, Published } from './publisher.ts'
import { retryLadder } from './retry-ladder.ts'
import { settle } from './settle.ts'

const ladder = retryLadder([1_000, 5_000], 11_000)

function aDelivery(deliveryTag: number, headers: Record<string, unknown> = {}): ConsumeMessage {
  const fields = { deliveryTag, routingKey: 'order.placed', exchange: 'orders_exchange' }
  const properties = { messageId: `m${deliveryTag}`, type: 'OrderPlaced', expiration: undefined, headers }
  return { content: Buffer.from('{}'), fields, properties } as unknown as ConsumeMessage
}

/** Records what happens to the deliveries, in order; the broker's part is played by `answer`. */
function setup(answer: Published = 'confirmed') {
  const steps: unknown[] = []
  const published: Outgoing[] = []
  const channel = {
    ack: ({ fields }: { fields: { deliveryTag: number } }, upTo?: boolean) => {
      steps.push(['ack', fields.deliveryTag, upTo ?? false])
    },
    reject: ({ fields }: { fields: { deliveryTag: number } }, requeue?: boolean) => {
      steps.push(['reject', fields.deliveryTag, requeue])
    },
  }
  const publisher = {
    publish: async (message: Outgoing) => {
      published.push(message)
      steps.push(['publish', message.exchange])
      await new Promise(setImmediate)
      steps.push([answer])
      return answer
    },
  }
  const run = (deliveries: ConsumeMessage[], outcomes: Outcome[]) =>
    settle({ channel, publisher, queue: 'inventory_queue', ladder }, deliveries, outcomes)
  return { run, steps, published, channel }
}

describe('settling a batch', () => {
  test('acknowledges it in one frame when all of it is done', async () => {
    const { run, steps } = setup()
    await run([aDelivery(1), aDelivery(2), aDelivery(3)], [ack(), duplicate(), ack()])
    expect(steps).toEqual([['ack', 3, true]])
  })

  test('settles each delivery once when their outcomes differ', async () => {
    const { run, steps } = setup()
    await run([aDelivery(1), aDelivery(2), aDelivery(3)], [ack(), retry('away'), deadLetter('bad')])

    const settled = steps.filter((step) => Array.isArray(step) && (step[0] === 'ack' || step[0] === 'reject'))
    expect(settled.map((step) => (step as number[])[1]).sort()).toEqual([1, 2, 3])
    expect(settled).not.toContainEqual(['ack', 3, true])
  })

  test('does nothing on a channel that has closed, and does not throw', async () => {
    const { run, channel } = setup()
    channel.ack = () => {
      throw new Error('Channel closed')
    }
    await expect(run([aDelivery(1)], [ack()])).resolves.toEqual([ack()])
  })
})

describe('a retry', () => {
  test('waits in the step of its attempt, and is acknowledged only when the copy is confirmed', async () => {
    const { run, steps, published } = setup()
    await run([aDelivery(7)], [retry('away')])

    expect(steps).toEqual([['publish', 'retry_1s'], ['confirmed'], ['ack', 7, false]])
    expect(published[0]).toMatchObject({ routingKey: 'inventory_queue', properties: { messageId: 'm7' } })
    expect(published[0]?.properties.headers).toMatchObject({
      'x-attempts': 1,
      'x-reason': 'away',
      'x-origin-queue': 'inventory_queue',
      'x-original-routing-key': 'order.placed',
    })
  })

  test('climbs the ladder, whose last step repeats, and is a dead letter with its reason in the end', async () => {
    const { run, published } = setup()
    for (const attempts of [1, 2]) await run([aDelivery(1, { 'x-attempts': attempts })], [retry('away')])
    const final = await run([aDelivery(2, { 'x-attempts': 3 })], [retry('away')])

    expect(published.map(({ exchange }) => exchange)).toEqual([
      'retry_5s',
      'retry_5s',
      'dead_letter_exchange',
    ])
    expect(final).toEqual([{ kind: 'dead-letter', reason: 'gave up after 4 attempts: away' }])
  })

  test.each<Published>(['unconfirmed', 'returned'])('is requeued, and counted, when %s', async (answer) => {
    const { run, steps } = setup(answer)
    await run([aDelivery(7)], [retry('away')])
    expect(steps.at(-1)).toEqual(['reject', 7, true])
  })
})

describe('a dead letter', () => {
  test('keeps its body and properties, without what the broker wrote or would route on', async () => {
    const { run, published } = setup()
    const headers = { 'x-death': [{}], 'x-delivery-count': 2, CC: ['elsewhere'], mine: 'kept' }
    await run([aDelivery(7, headers)], [deadLetter('malformed: no')])

    expect(published[0]).toMatchObject({ exchange: 'dead_letter_exchange', routingKey: 'order.placed' })
    expect(published[0]?.properties).toMatchObject({ messageId: 'm7', type: 'OrderPlaced' })
    expect(published[0]?.properties.headers).toEqual({
      mine: 'kept',
      'x-reason': 'malformed: no',
      'x-attempts': 1,
      'x-origin-queue': 'inventory_queue',
      'x-original-routing-key': 'order.placed',
      'x-origin-delivery': 'inventory_queue/7',
      'x-dead-lettered-at': expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  test('does not believe headers that only a copy of ours would have, when they are none of ours', async () => {
    const { run, published } = setup()
    const headers = { 'x-original-routing-key': 16, 'x-attempts': 1e300, 'x-origin-queue': 'elsewhere' }
    await run([aDelivery(7, headers)], [deadLetter('malformed: no')])

    expect(published[0]).toMatchObject({ routingKey: 'order.placed' })
    expect(published[0]?.properties.headers).toMatchObject({
      'x-attempts': 1,
      'x-origin-queue': 'inventory_queue',
      'x-original-routing-key': 'order.placed',
    })
  })

  test.each<Published>(['unconfirmed', 'returned'])(
    'is left to the queue’s own dead-lettering when %s',
    async (answer) => {
      const { run, steps } = setup(answer)
      await run([aDelivery(7)], [deadLetter('bad')])
      expect(steps.at(-1)).toEqual(['reject', 7, false])
    },
  )
})

describe('a dead letter that was published again', () => {
  const former = { 'x-dead-lettered-at': '2026-01-01T00:00:00.000Z', 'x-attempts': 4 }

  test.each([former, { 'x-death': [{ queue: 'inventory_queue', reason: 'delivery_limit' }] }])(
    'is told of before it is acknowledged: %j',
    async (headers) => {
      const { run, steps, published } = setup()
      await run([aDelivery(7, headers)], [ack()])
      await run([aDelivery(8, headers)], [duplicate()])

      expect(steps.slice(0, 3)).toEqual([['publish', ''], ['confirmed'], ['ack', 7, false]])
      const told = (as: string) => ({
        routingKey: 'order_dead_letter_queue',
        properties: { headers: { 'x-handled-in': 'inventory_queue', 'x-handled-as': as } },
      })
      expect(published).toMatchObject([told('ack'), told('duplicate')])
    },
  )

  test('is delivered again when that cannot be told', async () => {
    const { run, steps } = setup('unconfirmed')
    await run([aDelivery(7, former)], [ack()])
    expect(steps.at(-1)).toEqual(['reject', 7, true])
  })

  test('has all its attempts before it, and is still told of after them', async () => {
    const { run, published } = setup()
    await run([aDelivery(7, former)], [retry('away')])
    const { exchange, properties } = published[0]!
    await run([aDelivery(8, properties.headers as Record<string, unknown>)], [ack()])

    expect(exchange).toBe('retry_1s')
    expect(properties.headers).not.toHaveProperty('x-dead-lettered-at')
    expect(published[1]).toMatchObject({ routingKey: 'order_dead_letter_queue' })
  })

  test('is no such thing for having waited in the ladder', async () => {
    const { run, published } = setup()
    await run([aDelivery(7, { 'x-death': [{ queue: 'retry_queue_1s', reason: 'expired' }] })], [ack()])
    expect(published).toEqual([])
  })
})
