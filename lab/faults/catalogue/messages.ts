import { badOrders, badRequests } from '@lab/common/testing/builders.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { Pool } from 'undici'
import { drivers } from '../../parts/index.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, inParts } from '../fault.ts'

const TIMES = 10
/** Beyond the 64 KiB of an event, below what the brokers take. */
const OVERSIZE = 'x'.repeat(900_000)
const POISON = [
  'no JSON',
  '',
  '{"hello":"world"}',
  '[]',
  'null',
  '{"specversion":"1.0","type":"OrderPlaced"}',
]

const NOTHING = async () => {}

/** Bad requests between the good ones: each is refused with a 4xx, and nothing is stored. */
const badRequest = (bench: FaultBench): Acts => {
  const wrong: string[] = []
  const requests = [
    ...badOrders.map(({ why, body }) => ({
      why,
      payload: JSON.stringify(body),
      contentType: 'application/json',
    })),
    ...badRequests,
  ]
  return {
    inject: async () => {
      const pool = new Pool(bench.part.order.url, { connections: 4 })
      try {
        for (const { why, payload, contentType } of requests) {
          const headers = contentType === undefined ? {} : { 'content-type': contentType }
          const answer = await pool.request({ method: 'POST', path: '/order', headers, body: payload })
          await answer.body.dump()
          if (answer.statusCode < 400 || answer.statusCode > 499) wrong.push(`${why}: ${answer.statusCode}`)
        }
      } finally {
        await pool.destroy()
      }
      return `${requests.length} bad requests`
    },
    heal: NOTHING,
    complaints: async () => wrong,
  }
}

/** Each is dead-lettered once, with its reason, and holds nobody up. */
const poisoned = ({ part, planted, signal }: FaultBench, bodies: string[]): Acts => {
  const { places, put, deadLetters } = drivers[part.part].poison!
  return {
    inject: async () => {
      for (const place of places) await put(part, place, bodies)
      planted.deadLetters += places.length * bodies.length
      return `${planted.deadLetters} messages`
    },
    heal: NOTHING,
    complaints: () => exactly(planted.deadLetters, () => deadLetters(part, signal), signal),
  }
}

/** None is missing and none is there twice. */
async function exactly(
  count: number,
  letters: () => Promise<number>,
  signal: AbortSignal,
): Promise<string[]> {
  let seen = 0
  const isThere = async () => {
    seen = await letters()
    return seen >= count
  }
  await waitFor(`${count} dead letters`, isThere, { timeoutMs: 10_000, everyMs: 200, signal }).catch(() => {
    signal.throwIfAborted() // otherwise the count says it
  })
  return seen === count ? [] : [`${seen} dead letters for ${count} bad messages`]
}

/** What announced an order comes again and again, while other orders come in. */
const storm = (bench: FaultBench): Acts => ({
  inject: async () => {
    await using repeater = await drivers[bench.part.part].repeater(bench)
    const load = await bench.place(10, { concurrency: 2 })
    const orders = load.flatMap(({ order }) => order ?? [])
    for (const order of orders) await repeater.repeat(order, TIMES)
    return `${orders.length} orders, ${TIMES} times each (${repeater.how})`
  },
  heal: NOTHING,
})

const LEFT = 60
const CROWD = 500

/** Far more orders at once than there is stock: all of it is sold, and not one more. */
const sellOut = (bench: FaultBench): Acts => ({
  inject: async () => {
    await bench.place(CROWD, { concurrency: 128, order: () => ({ item: 'pizza', quantity: 1 }) })
    return `${CROWD} orders for at most ${LEFT} pizzas`
  },
  heal: NOTHING,
  complaints: async () => {
    const { pizza } = await bench.client.stock()
    return pizza === 0 ? [] : [`${pizza} pizzas are left, though ${CROWD} were ordered`]
  },
})

const planned = (on: FaultPlan['on'], more: Partial<FaultPlan> = {}, but = {}): Fault['parts'] =>
  inParts(({ serviceMs }) => ({ limitMs: serviceMs, holdMs: 500, ...more, on }), but)
const OF_REQUESTS = { 'sync-rest': 'its messages are requests: see "bad requests"' }
const withPoison = (bodies: string[]) => planned((bench) => poisoned(bench, bodies), {}, OF_REQUESTS)

/** Messages that should not be, or not so often. */
export const messageFaults: Fault[] = [
  { name: 'bad requests', kind: 'messages', parts: planned(badRequest) },
  { name: 'poison messages', kind: 'messages', parts: withPoison(POISON) },
  { name: 'oversize messages', kind: 'messages', parts: withPoison([OVERSIZE]) },
  { name: 'duplicate storm', kind: 'messages', parts: planned(storm, { injectingMs: 3_000 }) },
  {
    name: 'sell-out',
    kind: 'messages',
    parts: planned(sellOut, { stock: { pizza: LEFT }, injectingMs: 3_000 }),
  },
]
