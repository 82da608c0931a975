import { answered } from '../load/closed-loop.ts'
import { milliseconds, summarize } from '../load/latency.ts'
import type { Acks, Trial } from './acks-trials.ts'
import type { Table } from './experiment.ts'
import type { Measured, Params } from './kafka-acks.ts'
import { counted } from './outcomes.ts'
import { remarkOn, repeated, spread } from './repeated.ts'

export function settingOf(acks: Acks, measured: Measured[]) {
  const own = measured.filter((one) => one.acks === acks)
  const p50s = own.map(({ load }) => summarize(answered(load).map(({ latencyUs }) => latencyUs)).p50_us)
  const perSecond = repeated(own.map(({ bulk }) => bulk.accepted / bulk.seconds))!
  return { acks, n: own.length, p50Us: repeated(p50s), perSecond }
}
type Setting = ReturnType<typeof settingOf>

export const costTable = (settings: Setting[], { singles, bulk, repetitions }: Params): Table => ({
  title: `Cost of the acknowledgement, ${repetitions === 1 ? 'one run each' : `median of ${repetitions} runs (range)`}`,
  columns: ['acks', `POST /order p50 ms (${singles} one by one)`, `bulk of ${bulk}, orders/s`],
  rows: settings.map(({ acks, p50Us, perSecond }) => [
    acks,
    spread(p50Us, milliseconds),
    spread(perSecond, (value) => String(Math.round(value))),
  ]),
})

export const trialTable = (trials: Trial[]): Table => ({
  title: 'An order that the log refuses',
  columns: ['acks', 'customer hears', 'in the log', 'so the order is'],
  rows: trials.map((trial) => [trial.acks, trial.status, trial.isInLog ? 'yes' : 'no', fateOf(trial)]),
})

export function fateOf({ status, isInLog }: Trial): string {
  if (status === 202) return isInLog ? 'kept' : 'acknowledged and lost'
  return isInLog ? 'refused and kept' : 'refused'
}

export function readingOf(
  settings: Setting[],
  { trials, layout }: { trials: Trial[]; layout: { replicas: number } },
): string[] {
  const all = settings.find(({ acks }) => acks === 'all')!
  const costs = settings
    .filter(({ acks }) => acks !== 'all')
    .map(({ acks, perSecond }) => {
      return `acks=${acks} makes the bulk ${(perSecond.median / all.perSecond.median).toFixed(2)} times as fast as acks=all (${remarkOn(perSecond, all.perSecond)})`
    })
  const lost = trials.filter((trial) => fateOf(trial) === 'acknowledged and lost')
  const same = layout.replicas === 1 ? ': acks=1 and acks=all wait for the same copy' : ''
  return [
    `The log has ${counted(layout.replicas, 'replica')}${same}. ${costs.join('; ')}.`,
    lost.length === 0
      ? `None of ${trials.length} orders that the log refused was acknowledged and lost.`
      : `Of ${trials.length} orders that the log refused, acknowledged and lost: ${lost.map(({ acks }) => `the one with acks=${acks}`).join(', ')}.`,
  ]
}
