import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Order } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { crashAt } from '../faults/hooks.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { openRabbitProbe } from '../probes/rabbit.ts'
import { joinRunDir } from '../testing/join-run-dir.ts'
import { sharedServer } from '../testing/shared-server.ts'
import { type RunningTrio, startTrio, steps, type TrioName } from '../trio.ts'

const STOCK = 100
const TERMINAL = ['reserved', 'notified', 'failed']
const trace = join(import.meta.dirname, '../faults/fixtures/trace-steps.ts')

const crashes: { part: TrioName; role: 'order' | 'inventory'; step: string }[] = [
  { part: 'sync-rest', role: 'order', step: 'rest.decision-stored' },
  { part: 'async-rabbitmq', role: 'inventory', step: 'rabbit.batch-committed' },
  { part: 'streaming-kafka', role: 'inventory', step: 'kafka.transaction-committed' },
]

const roads: Record<TrioName, (part: RunningTrio, client: PartClient) => Promise<void>> = {
  'sync-rest': async (_, client) => {
    await placeOne(client)
    await client.command('inventory', '/admin/fail', { enabled: true })
    await client.place({ item: 'burger', quantity: 1 })
    await client.clearFaults('inventory')
  },
  'async-rabbitmq': async (part, client) => {
    await placeOne(client)
    await client.command('inventory', '/admin/fail', { enabled: true })
    await placeOne(client)
    await waitFor('a retry', () => linesOf(part.inventory, 'reached rabbit.retry-confirmed').length > 0)
    await client.clearFaults('inventory')
    await using probe = await openRabbitProbe(part.rabbit!)
    await probe.publish('order.placed', 'not JSON', { messageId: 'poison' })
  },
  'streaming-kafka': async (part, client) => {
    await placeOne(client)
    await using probe = await openKafkaProbe(part.kafka!)
    await probe.produce('inventory-events', [{ key: 'poison', value: 'not JSON' }])
  },
}

describe.each(crashes)('$part', ({ part: name, role, step }) => {
  let part: RunningTrio
  beforeAll(async () => {
    part = await start(name)
  })
  afterAll(() => part?.close())

  test(`dies by SIGKILL at the third passage of ${step} in ${role}, and without the hook never again`, async ({
    signal,
  }) => {
    const client = open(part, signal)
    const service = part[role]
    await service.stop()
    await service.start(crashAt(step, 3))
    const dying = service.exited

    const placed = await placeUntil(client, dying)
    expect(await dying).toEqual({ code: null, signal: 'SIGKILL' })
    expect(linesOf(service, 'crash hook:')).toEqual([`crash hook: SIGKILL at passage 3 of ${step}`])
    // Its variables alone lead nowhere.
    await service.start({ env: crashAt(step, 1).env })

    for (let more = 0; more < 4; more++) placed.push(await placeOne(client))
    await allTerminal(client, placed)
    const orders = await client.orders()
    expect((await client.stock()).burger).toBe(
      STOCK - orders.filter(({ status }) => status !== 'failed').length,
    )
    expect(service.pid).toBeDefined()
  })

  test('reaches all of its steps', async ({ signal }) => {
    const client = open(part, signal)
    await Promise.all(
      part.services.map(async (service) => {
        await service.stop()
        await service.start({ preload: [trace] })
      }),
    )

    await roads[name](part, client)

    const listed = Object.entries(steps).filter(([, step]) => step.part === name)
    const missing = () => {
      const reached = part.services.flatMap((service) => linesOf(service, 'reached '))
      return listed.map(([step]) => step).filter((step) => !reached.includes(`reached ${step}`))
    }
    await expect.poll(missing, { timeout: 30_000 }).toEqual([])
  })
})

function start(name: TrioName): Promise<RunningTrio> {
  const kafka = sharedServer('kafka')
  return startTrio(name, {
    run: joinRunDir(),
    rabbit: sharedServer('rabbitmq'),
    kafka,
    durable: name !== 'streaming-kafka',
    env: {
      STOCK: `burger=${STOCK}`,
      ...(name === 'async-rabbitmq' && { RETRY_LADDER_MS: '200,400' }),
      // The shortest that a broker of somebody else allows is the default.
      ...(name === 'streaming-kafka' && kafka.origin !== 'external' && { SESSION_TIMEOUT_MS: '3000' }),
    },
  })
}

function open(part: RunningTrio, signal: AbortSignal): PartClient {
  const client = openPartClient(part, signal)
  onTestFinished(() => client[Symbol.asyncDispose]())
  return client
}

/** Places one order after the other until the service is gone; answers the ids of those the client was told of. */
async function placeUntil(client: PartClient, gone: Promise<unknown>): Promise<string[]> {
  const placed: string[] = []
  let isGone = false
  void gone.then(() => {
    isGone = true
  })
  await waitFor('the service to die', async () => {
    // The order during which it dies may have no answer: its outcome is unknown to the client.
    const id = await placeOne(client).catch(() => undefined)
    if (id !== undefined) placed.push(id)
    return isGone
  })
  return placed
}

async function placeOne(client: PartClient): Promise<string> {
  const { status, body } = await client.place({ item: 'burger', quantity: 1 })
  if (status !== 201 && status !== 202) throw new Error(`POST /order answered ${status}`)
  return Order.parse(body).order_id
}

async function allTerminal(client: PartClient, placed: string[]): Promise<void> {
  await waitFor(
    'every order to be terminal',
    async () => {
      const status = new Map((await client.orders()).map((order) => [order.order_id, order.status]))
      for (const id of placed) expect(status.has(id), `${id} is lost`).toBe(true)
      return [...status.values()].every((one) => TERMINAL.includes(one))
    },
    { timeoutMs: 60_000 },
  )
}

function linesOf({ logFile }: ServiceProcess, start: string): string[] {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(start))
}
