import type { Table } from '../../experiments/experiment.ts'
import { spreadOf } from './ratio.ts'
import type { Comparison, PartCeilings, Profile } from './results.ts'

const TOP_PACKAGES = 5

export function ceilingTables({ part, comparisons, flatness, profiles }: PartCeilings): Table[] {
  return [
    ...(comparisons.length > 0 ? [ratioTable(part, comparisons)] : []),
    ...(flatness ? [flatTable(part, flatness)] : []),
    ...profiles.flatMap((profile) => profileTables(part, profile)),
  ]
}

export const ratioTable = (part: string, comparisons: Comparison[]): Table => ({
  title: `${part}: how close to the limit (medians of ${comparisons[0]!.rounds.length} rounds)`,
  columns: ['what', 'ours/s', 'ceiling/s', 'ceiling', 'ratio', 'range', 'target', 'verdict'],
  rows: comparisons.map(({ name, ceiling, rounds, ratio, target, verdict }) => [
    name,
    middle(rounds.map((round) => round.ours_per_second)),
    middle(rounds.map((round) => round.ceiling_per_second)),
    ceiling,
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
    target === undefined ? '' : `≥ ${target}`,
    verdict ?? '-',
  ]),
})

const middle = (figures: number[]) => Math.round(spreadOf(figures).median)

const flatTable = (
  part: string,
  { orders, segment, services }: NonNullable<PartCeilings['flatness']>,
): Table => ({
  title: `${part}: cost per order, first and last ${segment} of ${orders} orders`,
  columns: [
    'process',
    'first µs',
    'last µs',
    'change',
    '≤ +10 %',
    'MB first',
    'MB last',
    'MB at most',
    '≤ 512 MB',
  ],
  rows: services.map((one) => [
    one.process,
    one.first_us ?? 'n/a',
    one.last_us ?? 'n/a',
    one.change === undefined ? 'n/a' : `${one.change >= 0 ? '+' : ''}${(one.change * 100).toFixed(1)} %`,
    one.cost ?? 'n/a',
    megabytes(one.first_rss_bytes),
    megabytes(one.last_rss_bytes),
    megabytes(one.peak_rss_bytes),
    one.memory ?? 'n/a',
  ]),
})

const profileTables = (
  part: string,
  { process, functions, packages, busy_ms, idle_ms }: Profile,
): Table[] => [
  {
    title: `${part}, ${process}: where its time goes (busy ${percent(busy_ms / (busy_ms + idle_ms))} of the time)`,
    columns: ['self', 'function', 'file'],
    rows: functions.map(({ name, file, share }) => [percent(share), name, file]),
  },
  {
    title: `${part}, ${process}: by package`,
    columns: ['self', 'package'],
    rows: packages.slice(0, TOP_PACKAGES).map(({ name, share }) => [percent(share), name]),
  },
]

const percent = (share: number) => (Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : 'n/a')

const megabytes = (bytes: number | undefined) => (bytes === undefined ? 'n/a' : Math.round(bytes / 1_048_576))
