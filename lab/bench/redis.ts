import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startPart } from '@lab/stack/part.ts'
import { freePorts } from '@lab/stack/ports.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import { createService } from '@lab/stack/service.ts'
import { Pool } from 'undici'
import { parts } from '../../parts.ts'
import { repeated } from '../experiments/repeated.ts'
import { nearestRank } from '../load/histogram.ts'
import { openRedisProbe } from '../probes/redis.ts'
import type { Session } from '../run/session.ts'
import type { Bench, Measured } from './bench.ts'

interface Options {
  session: Session
  /** In the store when the state is asked for. */
  orders: number
  rounds: number
  connections: number
  progress: (text: string) => void
}

/** What the platform should reach of the bare loop, and what the state of a full store may take. */
const TARGET = 0.6
const STATE_TARGET = 2
const STATE_P99_MS = 5

/** Changes per second of the platform over Redis against a bare loop, its state, and memory per order. */
export const redis: Bench = {
  parts: ({ orders: [orders = 0], ...options }) => [
    {
      part: 'realtime-redis',
      title: 'realtime-redis: changes per second against a bare loop, and its state',
      measure: (progress) => benchRedis({ ...options, orders, progress }),
    },
  ],
}

const ROOT = resolve(import.meta.dirname, '../..')
const BARE = join(ROOT, 'lab/bench/bare/redis.ts')
const SCRIPTS = pathToFileURL(join(ROOT, 'realtime-redis/redis/scripts.ts')).href
/** Orders that go the whole way, of each round: eight changes each. */
const WAYS = 1_500
const STATES = 1_000

type Ask = [path: string, body: object]
interface Contestant {
  create: Ask
  /** The steps of an order's way, by its id. */
  steps: (id: string) => Ask[]
}

const OFFER = { supplier_name: 'Pizza Palace', pizza_name: 'Margherita', supplier_price: 10 }
const RESPOND = { accept: true, notes: 'Fresh ingredients', estimated_time: 30 }
const ACCEPT = { customer_name: 'John Doe', delivery_address: '123 Main St' }
const DISPATCH = { driver_name: 'Mike Driver' }

const platform: Contestant = {
  create: ['/api/orders', OFFER],
  steps: (id) => [
    [`/api/orders/${id}/supplier-respond`, RESPOND],
    [`/api/orders/${id}/customer-accept`, ACCEPT],
    [`/api/orders/${id}/status`, { status: 'preparing' }],
    [`/api/orders/${id}/status`, { status: 'ready' }],
    [`/api/orders/${id}/dispatch`, DISPATCH],
    [`/api/orders/${id}/status`, { status: 'in_transit' }],
    [`/api/orders/${id}/status`, { status: 'delivered' }],
  ],
}
const bareLoop: Contestant = {
  create: ['/api/orders', OFFER],
  steps: (id) =>
    (
      [
        ['supplier_accepted', { supplier_notes: RESPOND.notes, estimated_delivery_time: 30 }],
        ['customer_accepted', ACCEPT],
        ['preparing', {}],
        ['ready', {}],
        ['dispatched', DISPATCH],
        ['in_transit', {}],
        ['delivered', {}],
      ] as const
    ).map(([to, body]) => [`/api/orders/${id}?to=${to}`, body]),
}

interface Round {
  contestant: string
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Transitions against a bare Fastify and client loop with the same scripts, in turn; then the state of a full store. */
async function benchRedis(options: Options): Promise<Measured> {
  const { session, rounds, connections, progress } = options
  const { run, signal } = session
  const redis = await session.server('redis')
  const spec = parts.find(({ name }) => name === 'realtime-redis')!
  const services = spec.services.filter(({ name }) => name === 'platform-service')
  const start = () =>
    startPart({ ...spec, services }, { run, signal, servers: { redis }, env: { LOG_LEVEL: 'warn' } })
  const measured: Round[] = []
  let isValid = true
  const measure = async (contestant: string, url: string, asks: Contestant, at: Servers['redis']) => {
    progress(`${contestant}: warming up`)
    await load(url, asks, { ways: WAYS / 5, connections, signal })
    progress(`${contestant}: ${WAYS * 8} changes`)
    const { perSecond, latencies, failed } = await load(url, asks, { ways: WAYS, connections, signal })
    isValid &&= failed === 0 && (await eventsOf(at)) === (WAYS + WAYS / 5) * 8
    measured.push({ contestant, perSecond, ...percentiles(latencies) })
  }
  await using lab = await openRedisProbe({ ...redis, ...redis.admin })
  for (let round = 0; round < rounds; round++) {
    const [port] = await freePorts(1)
    // A place of its own, made and emptied as a part's is.
    const place = await startPart({ ...spec, services: [] }, { run, signal, servers: { redis } })
    const own = place.servers.redis!
    const bare = createService({
      run,
      name: 'bare-platform',
      entry: BARE,
      port: port!,
      signal,
      env: { REDIS_URL: urlOf(own), SCRIPTS },
      logFile: join(run.path, 'logs', 'bare-platform.log'),
    })
    await bare.start()
    await measure('bare loop', bare.url, bareLoop, own)
    await bare.stop()
    await place.close()

    const part = await start()
    await measure('platform', part.services['platform-service']!.url, platform, part.servers.redis!)
    await part.close()
  }
  // Somebody else's Redis keeps its settings.
  const fsync = async (when: string) => {
    if (redis.origin !== 'external') await lab.configSet('appendfsync', when)
  }
  await fsync('everysec')
  const relaxed = await start()
  await measure(
    'platform, everysec',
    relaxed.services['platform-service']!.url,
    platform,
    relaxed.servers.redis!,
  )
  await relaxed.close()

  const [empty, full] = [await start(), await start()]
  const [emptyUrl, url] = [empty, full].map(({ services }) => services['platform-service']!.url) as [
    string,
    string,
  ]
  const before = await memory(lab)
  progress(`${options.orders} orders`)
  await fill(url, options.orders, { connections, signal, progress })
  const bytesPerOrder = ((await memory(lab)) - before) / options.orders
  await fsync('always')
  const [none, many] = (await states([emptyUrl, url])) as [States, States]
  await empty.close()
  await full.close()

  const of = (contestant: string) =>
    repeated(measured.filter((one) => one.contestant === contestant).map(({ perSecond }) => perSecond))!
      .median
  const ratio = of('platform') / of('bare loop')
  const stateP99Ms = many.asked.p99Ms
  const stateRatio = stateP99Ms / none.asked.p99Ms
  return {
    part: spec.name,
    ledger: isValid ? [] : ['a change failed, or the stream has not every change once'],
    lines: [
      `ratio ${ratio.toFixed(2)}, target ${TARGET}`,
      `state of ${options.orders} orders: p99 ${stateP99Ms.toFixed(2)} ms, target ${STATE_P99_MS}; ${stateRatio.toFixed(2)} of an empty store's, target ${STATE_TARGET}`,
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
            [options.orders, many],
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

const urlOf = ({ host, port, db, login }: Servers['redis']) =>
  `redis://${login.username}:${login.password}@${host}:${port}/${db}`

interface Load {
  ways: number
  connections: number
  signal: AbortSignal
}

/** Each connection leads one order after the other its whole way. */
async function load(url: string, { create, steps }: Contestant, { ways, connections, signal }: Load) {
  const pool = new Pool(url, { connections })
  const latencies: number[] = []
  let failed = 0
  const ask = async ([path, body]: Ask) => {
    const from = performance.now()
    const { statusCode, body: answer } = await pool.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const json = (await answer.json()) as { id: string }
    latencies.push(performance.now() - from)
    if (statusCode >= 300) failed++
    return json
  }
  let begun = 0
  const client = async () => {
    while (begun++ < ways) {
      signal.throwIfAborted()
      const { id } = await ask(create)
      for (const step of steps(id)) await ask(step)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: connections }, client))
  const seconds = (performance.now() - startedAt) / 1_000
  await pool.close()
  return { perSecond: latencies.length / seconds, latencies, failed }
}

const percentiles = (ms: number[]) => {
  const sorted = ms.toSorted((a, b) => a - b)
  return { p50Ms: nearestRank(sorted, 0.5)!, p99Ms: nearestRank(sorted, 0.99)! }
}

async function eventsOf({ host, port, db, admin }: Servers['redis']): Promise<number> {
  await using probe = await openRedisProbe({ host, port, db, ...admin })
  return await probe.xLen('stream:pizza_orders')
}

async function memory(probe: { info: (section: string) => Promise<unknown> }): Promise<number> {
  return Number(String(await probe.info('memory')).match(/^used_memory:(\d+)/m)![1])
}

/** Orders in every status. */
async function fill(
  url: string,
  orders: number,
  { connections, signal, progress }: Omit<Load, 'ways'> & { progress: (text: string) => void },
) {
  const pool = new Pool(url, { connections })
  const post = async (path: string, body: object) => {
    const { body: answer } = await pool.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { id: string }
  }
  const events = [
    'supplier_accepted',
    'customer_accepted',
    'preparing',
    'ready',
    'dispatched',
    'in_transit',
    'delivered',
  ]
  const data = { ...ACCEPT, ...DISPATCH }
  const CHUNK = 50
  let made = 0
  const client = async () => {
    while (made < orders) {
      signal.throwIfAborted()
      const count = Math.min(CHUNK, orders - made)
      made += count
      const ids: string[] = []
      for (let at = 0; at < count; at++) ids.push((await post(platform.create[0], OFFER)).id)
      // Every eighth order stays where it is, after each step.
      for (const [step, event] of events.entries()) {
        const moved = ids.filter((_, at) => at % 8 > step)
        if (moved.length === 0) continue
        await post('/api/events/batch', {
          events: moved.map((order_id) => ({ event_type: `order.${event}`, order_id, data })),
        })
      }
      progress(`${made} of ${orders} orders`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(connections, 16) }, client))
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
