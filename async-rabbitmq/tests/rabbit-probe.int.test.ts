import { openRabbitProbe, type RabbitProbe } from '@lab/lab/probes/rabbit.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { type RunningTrio, startTrio } from '@lab/lab/trio.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The experiments and the contract rest on what the probe says, so it is held to it here. */
describe('the RabbitMQ probe', () => {
  let part: RunningTrio
  let probe: RabbitProbe

  beforeAll(async () => {
    const rabbit = sharedServer('rabbitmq')
    part = await startTrio('async-rabbitmq', { run: joinRunDir(), rabbit })
    // Nobody takes what the probe puts into the queue.
    await part.inventory.stop()
    probe = await openRabbitProbe(part.rabbit!)
  })
  afterAll(async () => {
    await probe?.close()
    await part?.close()
  })

  test('captures a message so that it can be published again as it was', async () => {
    const tap = await probe.tap('order.placed')
    const properties = { messageId: 'm-1', type: 'OrderPlaced', headers: { lab: 1 } }
    await probe.publish('order.placed', 'first', properties)
    const copy = await tap.find('m-1', (message) => message.properties.messageId === 'm-1')
    await probe.publish(copy.routingKey, copy.body, copy.properties)
    const again = await tap.find('its repetition', (message) => message !== copy)

    expect(again).toEqual(copy)
    expect(copy).toMatchObject({ properties, routingKey: 'order.placed', redelivered: false })
    expect(await probe.purge('inventory_queue')).toBe(2)
  })

  test('counts what is there, and looking leaves it there', async () => {
    for (const body of ['a', 'b', 'c']) await probe.sendToQueue('dlq_queue', body)

    expect(await probe.depth('dlq_queue')).toEqual({ ready: 3, consumers: 0 })
    expect((await probe.peek('dlq_queue', 10)).map(({ body }) => body)).toEqual(['a', 'b', 'c'])
    expect(await probe.depth('dlq_queue')).toEqual({ ready: 3, consumers: 0 })
    expect(await probe.purge('dlq_queue')).toBe(3)
  })

  test('says so when no queue takes a message', async () => {
    await expect(probe.publish('order.misplaced', 'x')).rejects.toThrow("key 'order.misplaced'")
    await expect(probe.sendToQueue('no_such_queue', 'x')).rejects.toThrow("key 'no_such_queue'")
  })

  test('answers for other queues after one was not there', async () => {
    await expect(probe.depth('no_such_queue')).rejects.toThrow('NOT_FOUND')

    expect((await probe.depth('inventory_queue')).ready).toBe(0)
  })
})
