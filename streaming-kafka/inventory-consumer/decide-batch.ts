import { settlesWithin } from '@lab/kit/bounded.ts'
import type { LabError } from '@lab/kit/errors.ts'
import type { Faults } from '@lab/kit/faults.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Batch } from '../broker/batch.ts'
import { holdFaults } from '../broker/hold-faults.ts'
import type { Run, Written } from './decide-orders.ts'
import type { Ownership } from './ownership.ts'

const RUN = 1_000
const FINISH_WITHIN_MS = 3_000

export interface DecideBatchDeps {
  ownership: Pick<Ownership, 'acquire'>
  decide: (run: Run) => Promise<Written>
  faults: Faults
  onFault: (err: LabError, attempt: number) => void
  /** Joins the group again, as a new member. */
  rejoin: (reason: string) => void
}

/** Decides the records of one partition, run after run. Leaves early when the batch is no longer this process's to decide. */
export function decideBatch({ ownership, decide, faults, onFault, rejoin }: DecideBatchDeps) {
  return async (batch: Batch): Promise<void> => {
    const total = batch.messages.length
    for (let from = 0; from < total; ) {
      if (!(await holdFaults(batch, faults, onFault))) return
      // With a fault on, one record at a time; otherwise a thousand share a transaction.
      const to = faults.isActive ? from + 1 : Math.min(from + RUN, total)
      if (!(await decideRun(batch, runOf(batch, from, to)))) return
      reachStep('kafka.run-applied')
      batch.done(to)
      await batch.heartbeat()
      from = to
    }
  }

  /** True when the log has the decisions; tries again for as long as this process is to be the owner. */
  async function decideRun(batch: Batch, run: Run): Promise<boolean> {
    for (;;) {
      const owned = ownership.acquire()
      if (!(await batch.hold(owned)) || !(await owned)) return false
      const written = decide(run)
      if (!(await batch.hold(written))) {
        // Stopping: what is on its way gets the chance to arrive.
        await settlesWithin(written, FINISH_WITHIN_MS)
        return false
      }
      switch (await written) {
        case 'written':
          return true
        case 'fenced':
          // Whoever fenced this process holds the partitions by now.
          rejoin('another owner took over')
          return false
      }
      await batch.heartbeat()
    }
  }
}

function runOf(batch: Batch, from: number, to: number): Run {
  const { topic, partition } = batch
  return {
    records: batch.messages
      .slice(from, to)
      .map((message) => ({ origin: { topic, partition, offset: Number(message.offset) }, message })),
    next: { topic, partition, offset: batch.nextOffset(to) },
  }
}
