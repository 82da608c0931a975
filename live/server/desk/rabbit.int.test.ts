import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '@lab/kit/wait.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { freshVhost } from '@lab/stack/rabbit-vhost.ts'
import { temporaryFolder } from '@lab/stack/temporary-folder.ts'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openAudit } from './audit.ts'
import { openDesk } from './desk.ts'
import type { DeadLetter } from './letter.ts'
import type { Place } from './place.ts'
import { rabbitPlace } from './rabbit.ts'

/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:9'

/** Without any service: nobody declares, consumes or hears anything. */
describe('the letters of dlq_queue', () => {
  let broker: Awaited<ReturnType<typeof freshVhost>>
  let connection: ChannelModel
  let channel: Channel
  let place: Place

  beforeAll(async () => {
    broker = await freshVhost(sharedServer('rabbitmq'))
    connection = await connect(broker.url)
    channel = await connection.createChannel()
    place = rabbitPlace({ part: 'async-rabbitmq', amqpUrl: broker.url, orderUrl: NOBODY })
  })
  afterAll(async () => {
    await connection?.close()
    await broker?.close()
  })
  beforeEach(async () => {
    await channel.deleteQueue('dlq_queue')
  })

  const declare = async () => {
    await channel.assertExchange('dead_letter_exchange', 'fanout', { durable: true })
    await channel.assertQueue('dlq_queue', { durable: true, arguments: { 'x-queue-type': 'classic' } })
    await channel.bindQueue('dlq_queue', 'dead_letter_exchange', '')
  }
  const bury = async (count: number, queue = 'inventory_queue') => {
    for (let i = 0; i < count; i++) {
      const headers = { 'x-reason': 'away', 'x-origin-queue': queue, 'x-origin-delivery': `${queue}/${i}` }
      channel.publish('dead_letter_exchange', '', Buffer.from(`{"n":${i}}`), { messageId: `m${i}`, headers })
    }
    await waitFor(`${count} letters`, async () => (await place.count()) === count)
  }
  const look = async (limit?: number) => {
    const letters: DeadLetter[] = []
    const total = await place.look((letter) => void letters.push(letter), limit)
    return { total, letters, bodies: letters.map(({ body }) => body.toString()) }
  }

  test('are none when there is no such queue', async () => {
    expect(await look()).toMatchObject({ total: 0, letters: [] })
    expect(await place.count()).toBe(0)
  })

  test('are each seen by all who look at once, and keep their order', async () => {
    await declare()
    await bury(50)

    const looks = await Promise.all([look(), look(), look(10)])

    expect(looks.map(({ total }) => total)).toEqual([50, 50, 50])
    const order = Array.from({ length: 50 }, (_, i) => `{"n":${i}}`)
    expect(looks.map(({ bodies }) => bodies)).toEqual([order, order, order.slice(0, 10)])
    expect(looks[0]!.letters.map(({ id }) => id)).toEqual(looks[1]!.letters.map(({ id }) => id))
  })

  test('are left where they are when no queue takes the replacement', async () => {
    await declare()
    await bury(3)
    const { letters } = await look()
    const folder = mkdtempSync(join(temporaryFolder().path, 'lab-desk-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const desk = openDesk({ places: [{ ...place, orderUrl: NOBODY }], audit: openAudit(folder) })

    const order = { mode: 'unchanged' as const, perSecond: 100, timeoutMs: 1_000, by: 'a test' }
    const { ended } = await desk.redrive({ ...order, letters: letters.map(({ id }) => id) })

    expect(await ended).toMatchObject({
      state: 'stopped',
      why: 'a letter could not be sent: there is no queue inventory_queue',
      steps: [{ state: 'not-sent' }, { state: 'held-back' }, { state: 'held-back' }],
    })
    expect((await look()).bodies).toEqual(['{"n":0}', '{"n":1}', '{"n":2}'])
  })

  test('are given back in their place when the desk dies in the middle', async () => {
    await declare()
    await bury(4)
    const { letters } = await look()

    const work = await place.open()
    const died = work.take(new Set([letters[1]!.id, letters[2]!.id]), async ({ id }) => {
      if (id === letters[1]!.id) return true
      await work[Symbol.asyncDispose]()
      throw new Error('killed')
    })

    await expect(died).rejects.toThrow('killed')
    // Of the one that had its replacement the acknowledgement may be lost with the connection: then it is there still.
    const others = (bodies: string[]) => bodies.filter((body) => body !== '{"n":1}')
    const left = await waitFor('what is left', async () => {
      const found = others((await look()).bodies)
      return found.length === 3 && found
    })
    expect(left).toEqual(['{"n":0}', '{"n":2}', '{"n":3}'])
  })

  test('are not looked at on a quorum queue, where each look counts as a delivery', async () => {
    await channel.assertExchange('dead_letter_exchange', 'fanout', { durable: true })
    const limited = { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 }
    await channel.assertQueue('dlq_queue', { durable: true, arguments: limited })
    await channel.bindQueue('dlq_queue', 'dead_letter_exchange', '')
    channel.publish('dead_letter_exchange', '', Buffer.from('{}'), { persistent: true })
    await waitFor('the letter', async () => (await place.count()) === 1)

    await expect(look()).rejects.toThrow('not the classic queue')

    // What the desk would have done: it gets the letter and gives it back. Once more than the limit, and it is dropped.
    const counts: unknown[] = []
    while (counts.length < 5) {
      const other = await connection.createChannel()
      const got = await other.get('dlq_queue')
      if (got) counts.push(got.properties.headers?.['x-delivery-count'] ?? 0)
      await other.close()
      if (!got) break
      await waitFor('it to be settled', async () => (await place.count()) <= 1)
    }
    expect(counts).toEqual([0, 1, 2])
    expect(await place.count()).toBe(0)
  })
})
