import { waitFor, within } from '@lab/kit/wait.ts'
import { readProcess } from '../bench/process-figures.ts'
import { Histogram, percentileCell, summarize } from '../load/histogram.ts'
import { followPlatform, type Place } from '../probes/redis.ts'
import { measured } from '../report/number.ts'
import { latencyColumns, percentileChart } from './curves.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'
import { offerPizza, offerPizzas, type Step, stepAll } from './pizza-orders.ts'

interface Params extends Record<string, unknown> {
  /** Windows that listen. */
  sockets: number[]
  /** Pizzas offered one after the other, for each number of sockets. */
  offers: number
  /** Events then published as fast as the last socket hears of them, and the time after which that ends earlier. */
  events: number
  seconds: number
}

export const redisFanout = defineExperiment<Params>({
  name: 'redis-fanout',
  part: 'realtime-redis',
  question:
    'How long does it take until the last of N windows has an event, and how many events can it follow?',
  profiles: {
    quick: { sockets: [10, 100, 1_000], offers: 30, events: 1_400, seconds: 1 },
    default: { sockets: [10, 100, 1_000], offers: 300, events: 14_000, seconds: 5 },
    full: { sockets: [10, 100, 1_000], offers: 3_000, events: 70_000, seconds: 30 },
  },
  run,
})

/** Events of one batch: how far the last socket is behind at most. */
const BATCH = 100
const PIZZA = { supplier_name: 'Pizza Palace', pizza_name: 'Margherita', supplier_price: 10 }
const STEPS: readonly Step[] = [
  ['order.supplier_accepted', { notes: 'Fresh ingredients', estimated_time: 30 }],
  ['order.customer_accepted', { customer_name: 'John Doe', delivery_address: '123 Main St' }],
  ['order.preparing'],
  ['order.ready'],
  ['order.dispatched', { driver_name: 'Mike Driver' }],
  ['order.in_transit'],
  ['order.delivered'],
]

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const part = await context.startOther('realtime-redis')
  const { url, pid } = part.services['platform-service']!
  const rows = await Array.fromAsync(params.sockets, (sockets) => measure(context, { url, pid, sockets }))

  const widest = rows.at(-1)!
  return {
    checks: rows.map(({ sockets, heard, wanted, disorder, comebacks }) =>
      check(
        `each of ${sockets} sockets hears of each event once, in order, and is never cut`,
        heard === wanted && disorder === 0 && comebacks === 0,
        `${heard} of ${wanted} heard, ${disorder} out of order, ${comebacks} sockets cut`,
      ),
    ),
    tables: [
      tableOf('From the HTTP answer to the last socket; 0 where every socket has the event before', rows, [
        ['sockets', ({ sockets }) => sockets],
        ...latencyColumns<Fan>(({ fromAnswer }) => fromAnswer),
        ['p50 ms from the click', ({ fromClick }) => percentileCell(fromClick, 0.5)],
      ]),
      tableOf(`Published as fast as the last socket follows, at most ${BATCH} events behind`, rows, [
        ['sockets', ({ sockets }) => sockets],
        ['events', ({ followed }) => followed],
        ['events/s', ({ eventsPerSecond }) => Math.round(eventsPerSecond)],
        ['messages/s', ({ eventsPerSecond, sockets }) => Math.round(eventsPerSecond * sockets)],
        ['service busy %', ({ serviceBusy: busy }) => (busy === undefined ? '–' : measured(busy * 100))],
        ['listeners busy %', ({ labBusy }) => measured(labBusy * 100)],
      ]),
    ],
    charts: [
      percentileChart(
        'From the click to the last socket, by percentile',
        rows.map(({ sockets, fromClick }) => ({ name: `${sockets} sockets`, histogram: fromClick })),
        'the click',
      ),
    ],
    reading: [
      `The last of ${widest.sockets} sockets follows ${Math.round(widest.eventsPerSecond)} events/s. All of them listen in one process, which is part of every figure: where it is as busy as the service, the service could do more.`,
    ],
    data: {
      fans: rows.map(({ fromAnswer, fromClick, ...fan }) => ({
        ...fan,
        from_answer: summarize(fromAnswer),
        from_click: summarize(fromClick),
      })),
    },
  }
}

type Fan = Awaited<ReturnType<typeof measure>>

async function measure(
  { params, signal, progress }: ExperimentContext<Params>,
  { url, pid, sockets }: { url: string; pid: number | undefined; sockets: number },
) {
  progress(`${sockets} sockets connect`)
  const { ids, from } = await offerAll(url, Math.ceil(params.events / STEPS.length / BATCH) * BATCH, signal)
  await using windows = await openWindows(url, sockets, from, signal)
  const fromAnswer = new Histogram()
  const fromClick = new Histogram()
  let published = 0
  for (; published < params.offers; published++) {
    signal.throwIfAborted()
    const clickedAt = performance.now()
    const last = windows.reach(published + 1)
    await offerPizza(url, PIZZA)
    const answeredAt = performance.now()
    const lastAt = await last
    fromAnswer.record((lastAt - answeredAt) * 1_000)
    fromClick.record((lastAt - clickedAt) * 1_000)
    if (published % 10 === 0) progress(`${sockets} sockets: ${published + 1} of ${params.offers} offers`)
  }

  progress(`${sockets} sockets at full speed`)
  const cpu = () => readProcess(pid)?.cpuUs
  const [startedAt, serviceCpu, labCpu] = [performance.now(), cpu(), process.cpuUsage()]
  const batches = ids.length / BATCH
  for (let at = 0; at < batches * STEPS.length; at++) {
    if (performance.now() - startedAt > params.seconds * 1_000) break
    signal.throwIfAborted()
    const [group, step] = [Math.floor(at / STEPS.length), at % STEPS.length]
    published += BATCH
    const last = windows.reach(published)
    await stepAll(url, ids.slice(group * BATCH, (group + 1) * BATCH), STEPS[step]!)
    await last
  }
  const ms = performance.now() - startedAt
  const busy = (us: number) => us / (ms * 1_000)
  const { user, system } = process.cpuUsage(labCpu)
  const after = cpu()
  const followed = published - params.offers
  return {
    sockets,
    /** Until the last socket has heard of an offer. */
    fromAnswer,
    fromClick,
    /** What was published at full speed, and how long that took. */
    followed,
    ms,
    eventsPerSecond: (followed * 1_000) / ms,
    /** Of one processor. */
    serviceBusy: after === undefined || serviceCpu === undefined ? undefined : busy(after - serviceCpu),
    labBusy: busy(user + system),
    ...windows.seen(),
    wanted: published * sockets,
  }
}

/** So many sockets, from a place on. */
async function openWindows(url: string, count: number, from: Place, signal: AbortSignal) {
  const seen = { heard: 0, disorder: 0, reached: 0 }
  /** How many sockets have heard of each event. */
  const hearers: number[] = []
  let wait: { events: number; resolve: (at: number) => void } | undefined
  const settle = () => {
    if (wait !== undefined && seen.reached >= wait.events) wait.resolve(performance.now())
  }
  await using stack = new AsyncDisposableStack()
  const followers = Array.from({ length: count }, () => {
    let before = from.seq
    const onSeq = (seq: number) => {
      // Those that did not follow the one before.
      if (seq !== before + 1) seen.disorder++
      before = seq
      seen.heard++
      const event = seq - from.seq
      hearers[event] = (hearers[event] ?? 0) + 1
      while (hearers[seen.reached + 1] === count) seen.reached++
      settle()
    }
    const follower = followPlatform(url, onSeq, from)
    stack.defer(async () => follower.kill())
    follower.start()
    return follower
  })
  await allOn(followers, signal)
  const opened = stack.move()
  return {
    /** When the last socket has heard of so many events; ask before the last of them is published. */
    reach: (events: number): Promise<number> => {
      const { promise, resolve } = Promise.withResolvers<number>()
      wait = { events, resolve }
      settle()
      return within(promise, 30_000, `${count} sockets to hear of ${events} events`)
    },
    seen: () => ({
      ...seen,
      // The first greeting of each is no comeback.
      comebacks: followers.reduce((sum, { comebacks }) => sum + comebacks() - 1, 0),
    }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** So many pizzas, and the place behind them: the service tells its sockets of one a little after it has answered. */
async function offerAll(url: string, count: number, signal: AbortSignal) {
  const follower = followPlatform(url, () => {})
  follower.start()
  try {
    await allOn([follower], signal)
    const before = follower.place().seq
    const ids = await offerPizzas(url, count, PIZZA)
    const hasHeard = () => follower.place().seq === before + ids.length
    await waitFor(`a socket to hear of ${ids.length} offers`, hasHeard, { ...PATIENCE, signal })
    return { ids, from: follower.place() }
  } finally {
    follower.kill()
  }
}

const PATIENCE = { timeoutMs: 60_000, everyMs: 20 }

const allOn = (followers: { isOn: () => boolean }[], signal: AbortSignal) =>
  waitFor(`${followers.length} sockets to catch up`, () => followers.every(({ isOn }) => isOn()), {
    ...PATIENCE,
    signal,
  })
