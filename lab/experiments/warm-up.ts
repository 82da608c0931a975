import { isTerminal } from '@lab/common/domain/order.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { closedLoop, orderIds, recordsOf } from '../load/closed-loop.ts'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient } from './part-client.ts'

const CONCURRENCY = 16

/**
 * Places orders and waits until every one of them is done, so that code is compiled, connections are open and groups
 * have their assignment before anything is measured. The orders are real: their records belong into the ledger.
 */
export async function warmUp(
  client: PartClient,
  {
    count,
    signal,
    progress,
    what,
  }: Pick<ExperimentContext<unknown>, 'signal' | 'progress'> & { count: number; what: string },
): Promise<HistoryRecord[]> {
  const stream = await client.stream()
  const onAnswer = (done: number) => progress(`${what}: warming up, ${done} of ${count} orders`)
  const load = await closedLoop(client.place, { count, concurrency: CONCURRENCY, signal, onAnswer })
  await stream.completed(orderIds(load), { passes: isTerminal, what: 'done', timeoutMs: 60_000 })
  await stream.close()
  return recordsOf(load)
}
