import type { ConsumedAs } from '../probes/rabbit-management.ts'
import { counted } from '../report/number.ts'
import type { RunningTrio } from '../trio.ts'
import type { Table } from './experiment.ts'

/** What stands behind a figure. Two figures are compared only beside their guarantees. */
export interface Guarantees {
  'accepted means': string
  acknowledgements: string
  'publisher confirms': string
  prefetch: string
  batch: string
  durability: string
  partitions: string
}

const NONE = '–'
const store = ({ dataDir }: Pick<RunningTrio, 'dataDir'>) =>
  dataDir === undefined ? 'SQLite in memory: gone with its process' : 'SQLite file: survives SIGKILL'

export const restGuarantees = (part: Pick<RunningTrio, 'dataDir'>): Guarantees => ({
  'accepted means': '201: reserved, and the notification tried',
  acknowledgements: 'each call is answered, 5 s at most',
  'publisher confirms': NONE,
  prefetch: NONE,
  batch: 'one order a call',
  durability: store(part),
  partitions: NONE,
})

/** `consumed` is as the broker shows it; it can take a moment to show a consumer. */
export const rabbitGuarantees = (
  part: Pick<RunningTrio, 'dataDir'>,
  consumed: ConsumedAs | undefined,
): Guarantees => ({
  'accepted means': '202: the order and its message are in the outbox',
  acknowledgements: acknowledgement(consumed),
  'publisher confirms': 'each message, many in flight',
  prefetch: consumed === undefined ? 'not shown by the broker' : String(consumed.prefetch),
  batch: 'what has arrived, up to the prefetch, in one transaction',
  durability: `${queueKind(consumed)}, persistent messages; ${store(part)}`,
  partitions: 'one queue',
})

const acknowledgement = (consumed: ConsumedAs | undefined): string => {
  if (consumed === undefined) return 'after the commit'
  return consumed.isAcknowledged ? 'manual, after the commit' : 'none'
}

const queueKind = (consumed: ConsumedAs | undefined): string =>
  consumed === undefined ? 'queue' : `${consumed.isDurable ? 'durable ' : ''}${consumed.queueType} queue`

export const kafkaGuarantees = (
  { partitions, replicas }: { partitions: number; replicas: number },
  acks: '0' | '1' | 'all' = 'all',
): Guarantees => ({
  'accepted means': acks === '0' ? '202: sent, nobody has answered' : '202: the log has it',
  acknowledgements: `acks=${acks}, one request in flight; offsets committed after the decision is written`,
  'publisher confirms': 'the acks',
  prefetch: 'none: a fetch brings what there is',
  batch: 'what comes together, up to 1,000 records a request',
  durability: `${counted(replicas, 'replica')} of the log; state is rebuilt from it`,
  partitions: String(partitions),
})

/** One column for each style or setting that is compared. */
export function guaranteeCard(columns: { name: string; guarantees: Guarantees }[]): Table {
  const rows = Object.keys(columns[0]?.guarantees ?? {}) as (keyof Guarantees)[]
  return {
    title: 'Guarantee card',
    columns: ['', ...columns.map(({ name }) => name)],
    rows: rows.map((row) => [row, ...columns.map(({ guarantees }) => guarantees[row])]),
  }
}
