import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { call, decided, place, stockOf } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { pauseBetweenTransactions, stockFileOf } from '@lab/lab/faults/catalogue/instances.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { withFreePorts } from '@lab/stack/ports.ts'
import { createService, type ServiceProcess } from '@lab/stack/service.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { expectAllReservedOnce, STOCK, startBurst } from './burst.ts'
import { openPipeline, type RabbitPipeline } from './pipeline.ts'

const ENTRY = resolve(import.meta.dirname, '../inventory-service/server.ts')

let pipeline: RabbitPipeline
let second: ServiceProcess | undefined
afterEach(async () => {
  await second?.kill()
  second = undefined
  await pipeline?.close()
})

function createSecond(env: Record<string, string>): Promise<ServiceProcess> {
  const run = joinRunDir()
  return withFreePorts(1, async ([port]) =>
    createService({
      run,
      name: 'inventory-second',
      entry: ENTRY,
      port: port!,
      env: { RABBITMQ_URL: pipeline.part.rabbit!.url, STOCK, ...env },
      logFile: `${run.path}/logs/inventory-second-${port}.log`,
    }),
  )
}

const readiness = async (url: string) => (await call('GET', `${url}/ready`)).json

describe('a second inventory-service with a store of its own', () => {
  test('is refused with exit 1 and a reason, and decides nothing', async () => {
    pipeline = await openPipeline({ stock: STOCK })
    second = await createSecond({ OWNER_WAIT_MS: '1000' })

    await expect(second.start()).rejects.toThrow(/owns the stock .* same DATA_DIR/)
    expect(await second.exited).toMatchObject({ code: 1 })
    const { json } = await place(pipeline, { item: 'burger', quantity: 4 })
    await decided(pipeline, json.order_id)
    expect((await stockOf(pipeline)).burger).toBe(1_000_000 - 4)
  })
})

describe('an inventory-service that was killed', () => {
  test('owns its stock again at once, also without a store', async () => {
    pipeline = await openPipeline({ stock: STOCK, serviceEnv: { inventory: { OWNER_WAIT_MS: '1000' } } })
    for (let i = 0; i < 3; i++) {
      await pipeline.inventory.kill()
      await pipeline.inventory.start()
    }
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
  })
})

describe('a second inventory-service with the same DATA_DIR', () => {
  const startSecond = async () => {
    second = await createSecond({ DATA_DIR: `${pipeline.part.dataDir}/inventory-service` })
    const takenOver = second.start()
    takenOver.catch(() => {
      // Reported by whoever awaits it.
    })
    const { url } = second
    await waitFor('the second instance to stand by', async () =>
      /standing by/.test((await readiness(url)).checks.owner),
    )
    return { url, takenOver }
  }

  test('stands by, and takes over with the same stock when the owner is killed', async () => {
    pipeline = await openPipeline({ stock: STOCK, durable: true })
    const { url, takenOver } = await startSecond()
    const burst = startBurst(pipeline)
    await burst.accepted(200)
    expect((await readiness(url)).ready).toBe(false)
    await pipeline.inventory.kill()
    await takenOver
    await burst.accepted(200)

    const accepted = await burst.stop()
    // The pipeline's own instance now stands by, so the survivor answers for the stock.
    await expectAllReservedOnce({ ...pipeline, inventory: { ...pipeline.inventory, url } }, accepted)
  })

  test('stands by, with its heart beating, while a former owner holds the store in a transaction', async () => {
    pipeline = await openPipeline({ stock: STOCK, durable: true })
    const { url, takenOver } = await startSecond()
    // As an owner does that was frozen within a transaction.
    const holder = new DatabaseSync(stockFileOf(pipeline.part))
    holder.exec('BEGIN IMMEDIATE')
    await pipeline.inventory.kill()

    await waitFor('the store to be found held', async () =>
      /holds the store/.test((await readiness(url)).checks.owner),
    )
    expect((await call('GET', `${url}/health`)).status).toBe(200)
    expect((await readiness(url)).checks.broker).toBe('ok')

    holder.exec('ROLLBACK')
    holder.close()
    await takenOver
  })

  test('takes over from an owner that is frozen, which decides nothing twice when it wakes', async () => {
    const broker = sharedServer('rabbitmq')
    // The broker gives up who is silent for two of these: 4 s and not 10.
    const url = Object.assign(new URL(broker.url), { search: 'heartbeat=2' }).href
    pipeline = await openPipeline({ stock: STOCK, durable: true, broker: { ...broker, url } })
    const { url: secondUrl, takenOver } = await startSecond()
    const burst = startBurst(pipeline)
    await burst.accepted(200)
    await pauseBetweenTransactions(pipeline.inventory, stockFileOf(pipeline.part))
    await takenOver
    await burst.accepted(200)
    pipeline.inventory.resume()
    await burst.accepted(200)

    const accepted = await burst.stop()
    const inventory = { ...pipeline.inventory, url: secondUrl }
    await expectAllReservedOnce({ ...pipeline, inventory }, accepted)
  })
})
