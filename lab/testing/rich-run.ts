import { createRandom } from '../load/random.ts'
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

const styles = ['blocking HTTP', 'RabbitMQ', 'Kafka']

const guaranteeCard = {
  title: 'Guarantee card',
  columns: ['', ...styles],
  rows: [
    [
      'accepted means',
      'reserved and notified',
      'in the outbox, on disk',
      'acknowledged by all in-sync replicas',
    ],
    [
      'acknowledgements',
      'the response',
      'publisher confirms, manual ack',
      'acks=all, commit after the batch',
    ],
    ['prefetch or batch', '–', 'prefetch 500', 'linger 5 ms'],
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

function chartsOf(points: number, seed: number): Chart[] {
  const random = createRandom(seed)
  return [percentiles(), overTime(points, random), offered(), backlog(points, random), knee()]
}

const HDR = Array.from({ length: 60 }, (_, i) => 100 - 100 * (1 - (i % 5) / 10) * 2 ** -Math.floor(i / 5))

function percentiles(): Chart {
  const curve = (name: string, base: number, tail: number, n: number): Series => ({
    name,
    n,
    points: HDR.map((percent): Point => [percent, base + tail * (-Math.log2(1 - percent / 100)) ** 2]),
  })
  return {
    title: 'Latency by percentile',
    x: { label: 'Percentile', unit: '%', scale: 'percentile' },
    y: { label: 'Latency from the intended time', unit: 'ms', scale: 'log' },
    series: [
      curve('HTTP acceptance', 2.2, 0.4, 18_000),
      curve('RabbitMQ acceptance', 1.1, 0.2, 18_000),
      curve('RabbitMQ completion', 4, 0.8, 18_000),
      curve('Kafka acceptance', 3, 0.5, 6_000),
      curve('Kafka completion', 9, 1.4, 6_000),
    ],
  }
}

function overTime(points: number, random: () => number): Chart {
  const curve = (name: string, base: number, during: number): Series => ({
    name,
    n: points * 20,
    points: Array.from({ length: points }, (_, i): Point => {
      const second = (30 * i) / points
      const isAway = second > 10 && second < 18
      return [second, (isAway ? during : base) * (0.7 + random() * 0.8)]
    }),
  })
  return {
    title: 'Acceptance latency over time (p50 of each quarter second)',
    x: { label: 'Time since the start', unit: 's', scale: 'linear' },
    y: { label: 'Latency', unit: 'ms', scale: 'log' },
    series: [curve('blocking HTTP', 3.4, 1_200), curve('RabbitMQ', 1.9, 2.1), curve('Kafka', 4.2, 4.4)],
    marks: [
      { x: 10, label: 'inventory stopped' },
      { x: 18, label: 'inventory started' },
      { x: 21.5, label: 'backlog gone' },
    ],
  }
}

function offered(): Chart {
  const rates = [100, 200, 400, 800, 1_600, 3_200]
  const limited = (name: string, limit: number): Series => ({
    name,
    n: 31_500,
    points: rates.map((rate): Point => [rate, rate < limit ? rate : limit * 0.97]),
  })
  const ideal: Series = { name: 'offered', n: 31_500, points: rates.map((rate): Point => [rate, rate]) }
  return {
    title: 'Offered against achieved',
    x: { label: 'Offered', unit: 'orders/s', scale: 'linear' },
    y: { label: 'Completed', unit: 'orders/s', scale: 'linear' },
    series: [ideal, limited('blocking HTTP', 1_150), limited('RabbitMQ', 2_600), limited('Kafka', 3_300)],
  }
}

function backlog(points: number, random: () => number): Chart {
  const depth = (second: number) => {
    if (second < 10) return 0
    return second < 18 ? 200 * (second - 10) : Math.max(0, 1_600 - 460 * (second - 18))
  }
  const at = (i: number) => (30 * i) / points
  return {
    title: 'Backlog and lag over time',
    x: { label: 'Time since the start', unit: 's', scale: 'linear' },
    y: { label: 'Waiting', unit: 'messages', scale: 'linear' },
    series: [
      {
        name: 'inventory_queue',
        n: points,
        step: true,
        points: Array.from({ length: points }, (_, i): Point => [at(i), Math.round(depth(at(i)))]),
      },
      {
        name: 'order-events lag',
        n: points,
        step: true,
        points: Array.from(
          { length: points },
          (_, i): Point => [at(i), Math.round(depth(at(i)) * 1.1 + random() * 40)],
        ),
      },
    ],
    marks: [
      { x: 10, label: 'inventory stopped' },
      { x: 18, label: 'inventory started' },
    ],
  }
}

function knee(): Chart {
  const curve = (name: string, limit: number): Series => ({
    name,
    n: 24_000,
    points: [100, 200, 400, 800, 1_600].map(
      (rate): Point => [rate, rate < limit ? 4 + 30 / (1 - rate / limit) : 4_000 + rate],
    ),
  })
  return {
    title: 'Knee: p99 of completion by offered rate',
    x: { label: 'Offered', unit: 'orders/s', scale: 'log' },
    y: { label: 'p99 of completion', unit: 'ms', scale: 'log' },
    series: [curve('blocking HTTP', 1_000), curve('RabbitMQ', 2_500), curve('Kafka', 3_000)],
    marks: [{ x: 1_000, label: 'HTTP bends' }],
  }
}
