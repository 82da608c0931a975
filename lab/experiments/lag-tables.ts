import type { Chart, Series, Table } from './experiment.ts'
import type { LagSample } from './lag-meter.ts'

/** What a sleep before each message lets through at most, and what came through: timers are not exact. */
export const rateTable = ({
  sleepSeconds,
  messages,
  seconds,
}: {
  sleepSeconds: number
  messages: number
  seconds: number
}): Table => ({
  title: 'Service rate under the throttle',
  columns: ['sleep per message ms', 'at most, messages/s', 'achieved, messages/s', 'messages', 'seconds'],
  rows: [
    [
      sleepSeconds * 1_000,
      Math.round(1 / sleepSeconds),
      Math.round(messages / seconds),
      messages,
      seconds.toFixed(1),
    ],
  ],
})

const SHOWN_OF_A_PHASE = 8

/** All samples, but of the many of a phase a few. */
export function lagTable(samples: LagSample[]): Table {
  const phases = Map.groupBy(samples, ({ phase }) => phase)
  const isShown = (sample: LagSample) => {
    const all = phases.get(sample.phase)!
    const every = Math.max(1, Math.ceil(all.length / SHOWN_OF_A_PHASE))
    const at = all.indexOf(sample)
    return at % every === 0 || at === all.length - 1
  }
  return {
    title: 'Lag of analytics-group on both topics',
    columns: [
      's',
      'analytics',
      'messages (broker)',
      'messages (GET /lag)',
      'seconds (GET /lag)',
      'group',
      'members',
    ],
    rows: samples
      .filter(isShown)
      .map(({ atMs, phase, messages, reported, state, members }) => [
        (atMs / 1_000).toFixed(1),
        phase,
        messages,
        reported?.messages ?? 'not there to ask',
        reported?.seconds.toFixed(2) ?? '',
        state,
        members,
      ]),
  }
}

/** Between two samples that are further apart the lag is not known: a service was starting, or many orders were sent. */
const KNOWN_FOR_MS = 2_000

/** The lag over time. Where a phase begins is a mark; while there is no service to ask, its own curve has a gap. */
export function lagChart(samples: LagSample[]): Chart {
  const at = ({ atMs }: LagSample) => atMs / 1_000
  const curve = (of: (sample: LagSample) => number | null) =>
    samples.flatMap((sample, i): Series['points'] => {
      const before = samples[i - 1]
      const isFar = before && sample.atMs - before.atMs > KNOWN_FOR_MS
      return [
        ...(isFar ? [[(at(before) + at(sample)) / 2, null] as [number, null]] : []),
        [at(sample), of(sample)],
      ]
    })
  const begins = samples.filter(({ phase }, i) => phase !== samples[i - 1]?.phase)
  return {
    title: 'Lag of analytics-group on both topics',
    x: { label: 'time', unit: 's', scale: 'linear' },
    y: { label: 'lag', unit: 'messages', scale: 'linear' },
    series: [
      {
        name: 'as the broker has it',
        means: 'streaming-kafka',
        n: samples.length,
        points: curve(({ messages }) => messages),
      },
      {
        name: 'GET /lag',
        means: 'streaming-kafka',
        n: samples.filter(({ reported }) => reported).length,
        points: curve(({ reported }) => reported?.messages ?? null),
      },
    ],
    marks: begins.map((sample) => ({ x: at(sample), label: sample.phase })),
  }
}
