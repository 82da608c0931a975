import { createRandom } from '../load/schedule.ts'
import type { Chart, Point, Results, Series } from '../run/schema.ts'
import { check, experimentRecord, runOf, voidingCheck } from './report-builders.ts'

/** Curves of the shapes that runs record, made up: for looking at the page, and for its size. */
export interface RichOptions {
  /** Points of each curve over time. */
  points: number
  /** Experiments of the latency kind, each with five charts. */
  experiments: number
}

export function richRun({ points, experiments }: RichOptions): Results {
  const records = Array.from({ length: experiments }, (_, at) =>
    experimentRecord({
      name: at === 0 ? 'compare-latency' : `compare-latency-${at}`,
      part: 'all',
      question: 'What do acceptance and completion cost in each style at the same offered rate?',
      charts: chartsOf(points, at + 1),
      reading: [
        'At 200 orders/s RabbitMQ accepts in 1.9 ms (median) and completes in 6.1 ms; HTTP does both at once in 3.4 ms.',
      ],
      checks: [check('every order is accepted'), voidingCheck('the ledger balances')],
      tables: [guaranteeCard, latencyTable],
    }),
  )
  return runOf(records, { profile: 'full' })
}

const STYLES = ['blocking HTTP', 'RabbitMQ', 'Kafka']

const guaranteeCard = {
  title: 'Guarantee card',
  columns: ['', ...STYLES],
  rows: [
    ['accepted means', 'reserved', 'in the outbox, on disk', 'acknowledged by all in-sync replicas'],
    ['durability', 'in memory', 'quorum queue, persistent messages', 'replication factor 1'],
  ],
}

const latencyTable = {
  title: 'Latency at 200 orders/s, median of 3 runs (range)',
  columns: ['style', 'n', 'acceptance p50 ms', 'p99 ms', 'completion p50 ms', 'p99 ms'],
  rows: [
    ['blocking HTTP', 6000, '3.41 (3.20–3.77)', '18.2 (15.9–24.0)', '3.41 (3.20–3.77)', '18.2 (15.9–24.0)'],
    ['RabbitMQ', 6000, '1.92 (1.80–2.04)', '9.70 (8.81–11.2)', '6.10 (5.70–6.92)', '31.0 (27.4–40.3)'],
    ['Kafka', 6000, '4.20 (3.94–4.41)', '22.4 (19.8–28.9)', '14.8 (13.2–17.0)', '61.5 (50.2–77.7)'],
  ],
}

type Axis = Chart['x']
const axis = (label: string, unit: string, scale: Axis['scale'] = 'linear'): Axis => ({ label, unit, scale })
const TIME = axis('Time since the start', 's')
const OFFERED = axis('Offered', 'orders/s')
const AWAY = [
  { x: 10, label: 'inventory stopped' },
  { x: 18, label: 'inventory started' },
]

/** A curve by its formula. */
const curve = (name: string, at: number[], y: (x: number) => number): Series => ({
  name,
  n: at.length * 20,
  points: at.map((x): Point => [x, y(x)]),
})

const HDR = Array.from({ length: 60 }, (_, i) => 100 - 100 * (1 - (i % 5) / 10) * 2 ** -Math.floor(i / 5))
const RATES = [100, 200, 400, 800, 1_600, 3_200]
const LIMITS = [1_150, 2_600, 3_300]

function chartsOf(points: number, seed: number): Chart[] {
  const random = createRandom(seed)
  const times = Array.from({ length: points }, (_, i) => (30 * i) / points)
  const byPercentile = (name: string, base: number, tail: number) =>
    curve(name, HDR, (percent) => base + tail * (-Math.log2(1 - percent / 100)) ** 2)
  const overTime = (name: string, base: number, during: number) =>
    curve(name, times, (s) => (s > 10 && s < 18 ? during : base) * (0.7 + random() * 0.8))
  const byLimit = (y: (rate: number, limit: number) => number) =>
    STYLES.map((style, at) => curve(style, RATES, (rate) => y(rate, LIMITS[at]!)))
  const depth = (s: number) => (s < 10 ? 0 : s < 18 ? 200 * (s - 10) : Math.max(0, 1_600 - 460 * (s - 18)))
  return [
    {
      title: 'Latency by percentile',
      x: axis('Percentile', '%', 'percentile'),
      y: axis('Latency from the intended time', 'ms', 'log'),
      series: [
        byPercentile('HTTP acceptance', 2.2, 0.4),
        byPercentile('RabbitMQ acceptance', 1.1, 0.2),
        byPercentile('RabbitMQ completion', 4, 0.8),
        byPercentile('Kafka acceptance', 3, 0.5),
        byPercentile('Kafka completion', 9, 1.4),
      ],
    },
    {
      title: 'Acceptance latency over time (p50 of each quarter second)',
      x: TIME,
      y: axis('Latency', 'ms', 'log'),
      series: [
        overTime('blocking HTTP', 3.4, 1_200),
        overTime('RabbitMQ', 1.9, 2.1),
        overTime('Kafka', 4.2, 4.4),
      ],
      marks: [...AWAY, { x: 21.5, label: 'backlog gone' }],
    },
    {
      title: 'Offered against achieved',
      x: OFFERED,
      y: axis('Completed', 'orders/s'),
      series: [
        curve('offered', RATES, (rate) => rate),
        ...byLimit((rate, limit) => Math.min(rate, limit * 0.97)),
      ],
    },
    {
      title: 'Backlog and lag over time',
      x: TIME,
      y: axis('Waiting', 'messages'),
      series: [
        { ...curve('inventory_queue', times, (s) => Math.round(depth(s))), step: true },
        {
          ...curve('order-events lag', times, (s) => Math.round(depth(s) * 1.1 + random() * 40)),
          step: true,
        },
      ],
      marks: AWAY,
    },
    {
      title: 'Knee: p99 of completion by offered rate',
      x: { ...OFFERED, scale: 'log' },
      y: axis('p99 of completion', 'ms', 'log'),
      series: byLimit((rate, limit) => (rate < limit ? 4 + 30 / (1 - rate / limit) : 4_000 + rate)),
      marks: [{ x: 1_000, label: 'HTTP bends' }],
    },
  ]
}
