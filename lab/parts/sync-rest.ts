import { waitFor } from '@lab/kit/wait.ts'
import { freePorts, isPortFree } from '@lab/stack/ports.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import { z } from 'zod'
import { NONE, type PartDriver, storeOf } from '../part.ts'

const HOST = '127.0.0.1'
const Health = z.object({ unsettled: z.number() })

/** Part A: blocking HTTP. What waits is what the order service does not know the outcome of yet. */
export const syncRest: PartDriver = {
  style: 'HTTP',
  promises: { notifies: 'best effort', ordersPerKey: false },
  completes: 'response',

  async watch({ part, client, signal }) {
    const waiting = async () => Health.parse(await client.read('order', '/health')).unsettled
    return {
      counts: 'unsettled orders',
      waiting,
      backlog: async () => [{ place: 'unsettled orders', messages: await waiting() }],
      settled: async (timeoutMs) => {
        const isSettled = async () => (await waiting()) === 0
        await waitFor('every order to be settled', isSettled, { timeoutMs, signal })
      },
      card: async () => ({
        'accepted means': '201: reserved, and the notification tried',
        acknowledgements: 'each call is answered, 5 s at most',
        'publisher confirms': NONE,
        prefetch: NONE,
        batch: 'one order a call',
        durability: storeOf(part),
        partitions: NONE,
      }),
      sources: async () => ({}),
      [Symbol.asyncDispose]: async () => {},
    }
  },

  repeater: async ({ client }) => ({
    how: 'POST /reserve and POST /send again',
    repeat: async ({ order_id, item, quantity }, copies) => {
      for (let copy = 0; copy < copies; copy++) {
        await client.command('inventory', '/reserve', { order_id, item, quantity })
        await client.command('third', '/send', { order_id, status: 'reserved', item })
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }),

  /** Between order and inventory. */
  async wire() {
    const base = await threePorts()
    const wire = await openTcpProxy({ upstream: { host: HOST, port: base + 1 } })
    const serviceEnv = { order: { INVENTORY_URL: `http://${HOST}:${wire.port}` } }
    return { options: { ports: base, serviceEnv }, wire, close: () => wire.close() }
  },

  // Its own patience with an upstream call is 5 s; clients whose requests were in the socket all the time come first.
  faults: { serviceMs: 3_000, stalledMs: 5_000, brokerMs: 3_000, stallMs: 7_000, silentMs: 7_000 },
}

/** The first of three in a row: the proxy has to know where inventory will be before it is started. */
async function threePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const [base] = await freePorts(1)
    if ((await isPortFree(base! + 1)) && (await isPortFree(base! + 2))) return base!
  }
  throw new Error('no three free ports in a row')
}
