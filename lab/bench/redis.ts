import { startPart } from '@lab/stack/part.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { Pool } from 'undici'
import { repeated } from '../experiments/repeated.ts'
import { inParallel } from '../load/closed-loop.ts'
import { histogramOf } from '../load/histogram.ts'
import { openRedisProbe } from '../probes/redis.ts'
import { startBare } from './bare/chain.ts'
import { benchOf, type Measured, type OneBench } from './bench.ts'

/** What the platform should reach of the bare loop, and what the state of a full store may take. */
const TARGET = 0.6
const STATE_TARGET = 2
const STATE_P99_MS = 5

/** Changes per second of the platform over Redis against a bare loop, its state, and memory per order. */
export const redis = benchOf(
  'realtime-redis',
  'changes per second against a bare loop, and its state',
  benchRedis,
)

const SCRIPTS = new URL('../../realtime-redis/redis/scripts.ts', import.meta.url).href
/** Orders that go the whole way, of each round: eight changes each. */
const WAYS = 1_500
const STATES = 1_000

type Ask = [path: string, body: object]
interface Contestant {
  name: string
  /** The steps of an order's way after it was made, by its id. */
  steps: (id: string) => Ask[]
}

const CREATE: Ask = [
  '/api/orders',
  { supplier_name: 'Pizza Palace', pizza_name: 'Margherita', supplier_price: 10 },
]
const ACCEPT = { customer_name: 'John Doe', delivery_address: '123 Main St' }
const DISPATCH = { driver_name: 'Mike Driver' }

const platform: Contestant = {
  name: 'platform',
  steps: (id) => [
    [`/api/orders/${id}/supplier-respond`, { accept: true, notes: 'Fresh ingredients', estimated_time: 30 }],
    [`/api/orders/${id}/customer-accept`, ACCEPT],
    [`/api/orders/${id}/status`, { status: 'preparing' }],
    [`/api/orders/${id}/status`, { status: 'ready' }],
    [`/api/orders/${id}/dispatch`, DISPATCH],
    [`/api/orders/${id}/status`, { status: 'in_transit' }],
    [`/api/orders/${id}/status`, { status: 'delivered' }],
  ],
}

/** What an order becomes, step by step, and what is set with it. */
const BECOMES = {
  supplier_accepted: { supplier_notes: 'Fresh ingredients', estimated_delivery_time: 30 },
  customer_accepted: ACCEPT,
  preparing: {},
  ready: {},
  dispatched: DISPATCH,
  in_transit: {},
  delivered: {},
}
const bareLoop: Contestant = {
  name: 'bare loop',
  steps: (id) => Object.entries(BECOMES).map(([to, set]) => [`/api/orders/${id}?to=${to}`, set]),
}

interface Round {
  contestant: string
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Transitions against a bare Fastify and client loop with the same scripts, in turn; then the state of a full store. */
async function benchRedis(options: OneBench): Promise<Measured> {
  const { session, spec, orders, rounds, connections, progress } = options
  const { run, signal } = session
  const redis = await session.server('redis')
  const services = spec.services.filter(({ name }) => name === 'platform-service')
  const start = (services: PartSpec['services']) =>
    startPart({ ...spec, services }, { run, signal, servers: { redis }, env: { LOG_LEVEL: 'warn' } })
  const urlOf = (part: RunningPart) => part.services['platform-service']!.url
  const measured: Round[] = []
  let isValid = true
  const measure = async ({ name, steps }: Contestant, url: string, place: Servers['redis']) => {
    progress(`${name}: warming up`)
    await load(url, steps, { ways: WAYS / 5, connections, signal })
    progress(`${name}: ${WAYS * 8} changes`)
    const { perSecond, latencies, failed } = await load(url, steps, { ways: WAYS, connections, signal })
    isValid &&= failed === 0 && (await eventsOf(place)) === (WAYS + WAYS / 5) * 8
    measured.push({ contestant: name, perSecond, ...percentiles(latencies) })
  }
  const measureBare = async () => {
    await using opened = new AsyncDisposableStack()
    // A place of its own, made and emptied as a part's is.
    const part = await start([])
    opened.defer(part.close)
    const place = part.servers.redis!
    const { username, password } = place.login
    const REDIS_URL = `redis://${username}:${password}@${place.host}:${place.port}/${place.db}`
    const bare = await startBare(session, { client: 'redis', env: { REDIS_URL, SCRIPTS } }, opened)
    await measure(bareLoop, bare.url, place)
  }
  const measurePlatform = async (name: string) => {
    const part = await start(services)
    await measure({ ...platform, name }, urlOf(part), part.servers.redis!)
    await part.close()
  }
  await using lab = await openRedisProbe({ ...redis, ...redis.admin })
  // Somebody else's Redis keeps its settings.
  const fsync = async (when: string) => {
    if (redis.origin !== 'external') await lab.configSet('appendfsync', when)
  }
  const memory = async () => Number(String(await lab.info('memory')).match(/^used_memory:(\d+)/m)![1])
  for (let round = 0; round < rounds; round++) {
    await measureBare()
    await measurePlatform(platform.name)
  }
  await fsync('everysec')
  await measurePlatform('platform, everysec')

  const [empty, full] = [await start(services), await start(services)]
  const before = await memory()
  progress(`${orders} orders`)
  await fill(urlOf(full), options)
  const bytesPerOrder = ((await memory()) - before) / orders
  await fsync('always')
  const [none, many] = (await states([empty, full].map(urlOf))) as [States, States]
  await empty.close()
  await full.close()

  const of = (contestant: string) =>
    repeated(measured.filter((one) => one.contestant === contestant).map(({ perSecond }) => perSecond))!
      .median
  const ratio = of(platform.name) / of(bareLoop.name)
  const stateP99Ms = many.asked.p99Ms
  const stateRatio = stateP99Ms / none.asked.p99Ms
  return {
    part: spec.name,
    ledger: isValid ? [] : ['a change failed, or the stream has not every change once'],
    lines: [
      `ratio ${ratio.toFixed(2)}, target ${TARGET}`,
      `state of ${orders} orders: p99 ${stateP99Ms.toFixed(2)} ms, target ${STATE_P99_MS}; ${stateRatio.toFixed(2)} of an empty store's, target ${STATE_TARGET}`,
      `memory: ${Math.round(bytesPerOrder)} bytes an order, its events included`,
    ],
    short: `${ratio.toFixed(2)} of the bare loop`,
    data: {
      ratio,
      state_ratio: stateRatio,
      state_p99_ms: stateP99Ms,
      bytes_per_order: bytesPerOrder,
      rounds: measured,
    },
    tables: [
      {
        title: `Changes of orders, ${WAYS * 8} a round, ${connections} connections, appendfsync always unless said`,
        columns: ['contestant', 'changes/s', 'p50 ms', 'p99 ms'],
        rows: measured.map(({ contestant, perSecond, p50Ms, p99Ms }) => [
          contestant,
          Math.round(perSecond),
          p50Ms.toFixed(1),
          p99Ms.toFixed(1),
        ]),
      },
      {
        title:
          'GET /api/state, one after the other: up to 10 orders of each status, and up to 10 to 49 made anew each time',
        columns: ['orders', 'p50 ms', 'p99 ms', 'anew p50 ms', 'anew p99 ms'],
        rows: (
          [
            [0, none],
            [orders, many],
          ] as const
        ).map(([orders, { anew, asked }]) => [
          orders,
          asked.p50Ms.toFixed(2),
          asked.p99Ms.toFixed(2),
          anew.p50Ms.toFixed(2),
          anew.p99Ms.toFixed(2),
        ]),
      },
    ],
  }
}

interface Load {
  ways: number
  connections: number
  signal: AbortSignal
}

/** Each connection leads one order after the other its whole way. */
async function load(url: string, steps: Contestant['steps'], { ways, connections, signal }: Load) {
  const pool = new Pool(url, { connections })
  const latencies: number[] = []
  let failed = 0
  const ask = async (ask: Ask) => {
    const from = performance.now()
    const { status, id } = await post(pool, ask)
    latencies.push(performance.now() - from)
    if (status >= 300) failed++
    return id
  }
  const startedAt = performance.now()
  await inParallel(ways, connections, async () => {
    signal.throwIfAborted()
    const id = await ask(CREATE)
    for (const step of steps(id)) await ask(step)
  })
  const seconds = (performance.now() - startedAt) / 1_000
  await pool.close()
  return { perSecond: latencies.length / seconds, latencies, failed }
}

async function post(pool: Pool, [path, body]: Ask): Promise<{ status: number; id: string }> {
  const headers = { 'content-type': 'application/json' }
  const answer = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body) })
  const { id } = (await answer.body.json()) as { id: string }
  return { status: answer.statusCode, id }
}

const percentiles = (ms: number[]) => {
  const histogram = histogramOf(ms.map((each) => each * 1_000))
  return { p50Ms: histogram.nearestRank(0.5)! / 1_000, p99Ms: histogram.nearestRank(0.99)! / 1_000 }
}

async function eventsOf({ host, port, db, admin }: Servers['redis']): Promise<number> {
  await using probe = await openRedisProbe({ host, port, db, ...admin })
  return await probe.xLen('stream:pizza_orders')
}

const CHUNK = 50

/** Orders in every status. */
async function fill(url: string, { orders, connections, session: { signal }, progress }: OneBench) {
  const pool = new Pool(url, { connections })
  const data = { ...ACCEPT, ...DISPATCH }
  let made = 0
  await inParallel(Math.ceil(orders / CHUNK), Math.min(connections, 16), async () => {
    signal.throwIfAborted()
    const count = Math.min(CHUNK, orders - made)
    made += count
    const ids: string[] = []
    for (let at = 0; at < count; at++) ids.push((await post(pool, CREATE)).id)
    // Every eighth order stays where it is, after each step.
    for (const [step, event] of Object.keys(BECOMES).entries()) {
      const events = ids
        .filter((_, at) => at % 8 > step)
        .map((order_id) => ({ event_type: `order.${event}`, order_id, data }))
      if (events.length > 0) await post(pool, ['/api/events/batch', { events }])
    }
    progress(`${made} of ${orders} orders`)
  })
  await pool.close()
}

interface States {
  /** As people ask: the same question again and again. */
  asked: ReturnType<typeof percentiles>
  /** Each a question whose answer is not kept. */
  anew: ReturnType<typeof percentiles>
}

/** In turn, so that what else the machine does meets all of them. */
async function states(urls: readonly string[]): Promise<States[]> {
  const contestants = urls.map((url) => {
    const pool = new Pool(url, { connections: 1 })
    const [asked, anew]: [number[], number[]] = [[], []]
    const ask = async (into: number[], limit: number) => {
      const from = performance.now()
      const { body } = await pool.request({ path: `/api/state?limit=${limit}`, method: 'GET' })
      await body.arrayBuffer()
      into.push(performance.now() - from)
    }
    return { pool, asked, anew, ask }
  })
  for (let at = 0; at < STATES; at++) {
    for (const { asked, ask } of contestants) await ask(asked, 10)
  }
  // More different questions than answers are kept.
  for (let at = 0; at < STATES; at++) {
    for (const { anew, ask } of contestants) await ask(anew, 10 + (at % 40))
  }
  await Promise.all(contestants.map(({ pool }) => pool.close()))
  return contestants.map(({ asked, anew }) => ({ asked: percentiles(asked), anew: percentiles(anew) }))
}
