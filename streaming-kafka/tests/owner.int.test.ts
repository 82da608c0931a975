import { resolve } from 'node:path'
import { parseStock } from '@lab/common/domain/stock.ts'
import { call, decided, place, stockOf } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { withFreePorts } from '@lab/stack/ports.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { createService, type ServiceProcess } from '@lab/stack/service.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allDecidedOnce, bulk, countByOrder, isReady, leftAfter, readiness } from './log-facts.ts'
import { openPipeline, type StreamingPipeline, shortSessions } from './pipeline.ts'

/** More than an owner decides before it is stopped: it is always in the middle of a transaction. */
const BULK = 20_000
const STOCK = 'burger=1000,pizza=1000,salad=1000'
const ENTRY = resolve(import.meta.dirname, '../inventory-consumer/server.ts')

let pipeline: StreamingPipeline
let standby: ServiceProcess
/** Resolves when the standby has taken over; it is not ready before. */
let takenOver: Promise<void>

beforeEach(async () => {
  pipeline = await openPipeline({ stock: STOCK })
  standby = await createStandby(pipeline.part.kafka!)
  takenOver = standby.start()
  takenOver.catch(() => {})
  await waitFor('the standby to stand by', async () => {
    const { json } = await readiness(standby)
    return json.checks.consumer === 'standing by'
  })
})
afterEach(async () => {
  pipeline?.part.inventory.resume()
  await standby?.stop()
  await pipeline?.close()
})

describe('a second inventory-consumer', () => {
  test('says that it stands by, and takes over with the stock of the log when the owner stops or is killed', async () => {
    await bulk(pipeline.order, 200)
    await allDecidedOnce(pipeline.probe)
    const before = await stockOf(pipeline)
    expect((await call('GET', `${standby.url}/stock`)).status).toBe(503)
    expect((await readiness(standby)).status).toBe(503)
    expect((await readiness(pipeline.inventory)).json.ready).toBe(true)

    await pipeline.inventory.stop()
    await takenOver
    expect((await call('GET', `${standby.url}/stock`)).json).toEqual(before)

    const second = pipeline.inventory.start()
    await standby.kill()
    await second
    const { json } = await place(pipeline, { item: 'pizza', quantity: 5 })
    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    expect(await stockOf(pipeline)).toEqual({ ...before, pizza: before.pizza - 5 })
  })
})

describe('a stalled owner', () => {
  test('that wakes after the take-over cannot write a decision', async () => {
    // The delay makes sure that the owner is about to decide this order when it is stopped.
    await call('POST', `${pipeline.inventory.url}/admin/delay`, { seconds: 2 })
    const { json } = await place(pipeline, { item: 'burger', quantity: 7 })
    pipeline.part.inventory.pause()
    await takenOver
    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')

    pipeline.part.inventory.resume()
    await waitFor('the former owner to have joined again, as the standby', async () => {
      const { checks } = (await readiness(pipeline.inventory)).json
      return checks.consumer === 'standing by' && checks.stock === 'not owner: standing by'
    })

    expect((await countByOrder(pipeline.probe, 'inventory-events')).get(json.order_id)).toBe(1)
    const behind = await place(pipeline, { item: 'burger', quantity: 1 })
    await decided(pipeline, behind.json.order_id)
    expect((await call('GET', `${standby.url}/stock`)).json.burger).toBe(1_000 - 8)
  })

  test('in the middle of a bulk leaves every order decided once', async () => {
    const placing = bulk(pipeline.order, BULK)
    await waitFor('the first decisions', async () =>
      (await pipeline.probe.endOffsets('inventory-events')).some(({ end }) => end > 0n),
    )
    pipeline.part.inventory.pause()
    await takenOver
    pipeline.part.inventory.resume()

    expect((await placing).json.accepted).toBe(BULK)
    expect(await allDecidedOnce(pipeline.probe)).toHaveLength(BULK)
    await isReady(standby)
    expect((await call('GET', `${standby.url}/stock`)).json).toEqual(
      await leftAfter(pipeline.probe, parseStock(STOCK)),
    )
  })
})

function createStandby(kafka: KafkaBroker): Promise<ServiceProcess> {
  const run = joinRunDir()
  return withFreePorts(1, async ([port]) =>
    createService({
      run,
      name: 'inventory-standby',
      entry: ENTRY,
      port: port!,
      env: {
        KAFKA_BROKERS: kafka.brokers.join(','),
        KAFKA_PREFIX: kafka.prefix,
        STOCK,
        LOG_LEVEL: 'debug',
        ...shortSessions(kafka),
      },
      logFile: `${run.path}/logs/inventory-standby.log`,
    }),
  )
}
