import type { ExperimentContext } from '../experiments/experiment.ts'
import { openPartClient } from '../experiments/part-client.ts'
import { type LedgerOptions, ledgerOf } from '../experiments/part-ledger.ts'
import { openPartWatch } from '../experiments/part-watch.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'

type AuditOptions = Pick<LedgerOptions, 'part' | 'histories' | 'initial' | 'settleMs' | 'plantedDeadLetters'>

/** The ledger, over connections of its own: those from before a fault may be as broken as the fault was. */
export async function audit(
  { signal }: Pick<ExperimentContext<unknown>, 'signal'>,
  options: AuditOptions,
): Promise<LedgerVerdict> {
  const { part } = options
  await using client = openPartClient(part, signal)
  await using watch = await openPartWatch({ part, client, signal })
  // Awaited here: the connections are closed when this function is left.
  return await ledgerOf({ ...options, client, watch, signal })
}
