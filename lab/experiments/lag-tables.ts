import type { Chart, Table } from './experiment.ts'
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

const SHOWN_DRAINING = 8

/** All samples, but of the many while draining a few. */
export function lagTable(samples: LagSample[]): Table {
  const draining = samples.filter(({ phase }) => phase === 'draining')
  const every = Math.max(1, Math.ceil(draining.length / SHOWN_DRAINING))
  const isShown = (sample: LagSample) => {
    const at = draining.indexOf(sample)
    return at === -1 || at % every === 0 || at === draining.length - 1
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

/** The lag over time. Where a phase begins is a mark; without a service to ask there is no point of its own. */
export function lagChart(samples: LagSample[]): Chart {
  const at = ({ atMs }: LagSample) => atMs / 1_000
  const reported = samples.flatMap((sample): [number, number][] =>
    sample.reported ? [[at(sample), sample.reported.messages]] : [],
  )
  const begins = samples.filter(({ phase }, i) => phase !== samples[i - 1]?.phase)
  return {
    title: 'Lag of analytics-group on both topics',
    x: { label: 'time', unit: 's', scale: 'linear' },
    y: { label: 'lag', unit: 'messages', scale: 'linear' },
    series: [
      {
        name: 'as the broker has it',
        n: samples.length,
        points: samples.map((sample): [number, number] => [at(sample), sample.messages]),
        step: true,
      },
      { name: 'GET /lag', n: reported.length, points: reported, step: true },
    ],
    marks: begins.map((sample) => ({ x: at(sample), label: sample.phase })),
  }
}
