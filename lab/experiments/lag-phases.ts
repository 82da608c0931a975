import { isTerminal } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { RunningTrio } from '../trio.ts'
import { placeBulk, readAnalytics, untilCounted } from './analytics.ts'
import type { ExperimentContext } from './experiment.ts'
import type { LagMeter, LagSample } from './lag-meter.ts'
import type { PartClient } from './part-client.ts'

export interface LagBench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  part: RunningTrio
  client: PartClient
  meter: LagMeter
}

/** No message gets through: each would have to wait for this long. */
const STANDSTILL_SECONDS = 3_600

/** Places orders while analytics stands still: nothing moves when the lag is read, so two readings can be compared. */
export async function lagOfStandstill({ client, meter, progress, signal }: LagBench, orders: number) {
  await client.command('third', '/admin/throttle', { seconds: STANDSTILL_SECONDS })
  const before = await meter.sample('before')
  const startedAt = performance.now()
  await placeBulk(client, orders)
  const placedAt = performance.now()
  progress(`${orders} orders placed while analytics stands still`)
  await untilDecided(client, orders, signal, () => meter.sample('standing still'))
  const readFrom = performance.now()
  const still = await meter.sample('standing still')
  const readUntil = performance.now()
  return {
    before,
    still,
    /** The oldest unread record was written while the bulk request ran, and its age read while the sample was taken. */
    ageSeconds: { atLeast: (readFrom - placedAt) / 1_000, atMost: (readUntil - startedAt) / 1_000 },
  }
}

/** Lets the messages through, one every `throttleSeconds`, until the broker reports no lag. */
export async function lagWhileDraining(
  bench: LagBench,
  { throttleSeconds, orders }: { throttleSeconds: number; orders: number },
) {
  const { client, meter, progress, signal } = bench
  await client.command('third', '/admin/throttle', { seconds: throttleSeconds })
  const startedAt = performance.now()
  let countedAt: number | undefined
  const drained = await waitFor(
    'the lag to drain',
    async () => {
      const sample = await meter.sample('draining')
      const report = await readAnalytics(client)
      const counted = report.reserved_total + report.failed_total >= orders && report.orders_total >= orders
      if (counted) countedAt ??= performance.now()
      progress(`draining: ${sample.messages} messages behind, ${sample.reported?.seconds.toFixed(1)} s`)
      return sample.messages === 0 && counted && sample
    },
    // Each order is two records; timers of a busy machine can take several times what was asked for.
    { timeoutMs: 30_000 + orders * 2 * throttleSeconds * 10_000, everyMs: 100, signal },
  )
  await client.clearFaults('third')
  await client.command('third', '/admin/throttle', { seconds: 0 })
  return { drained, seconds: ((countedAt ?? performance.now()) - startedAt) / 1_000 }
}

/** Places orders while there is no consumer, reads the lag from the broker, and starts the consumer again. */
export async function lagOfStopped(bench: LagBench, { orders, before }: { orders: number; before: number }) {
  const { part, client, meter, progress, signal } = bench
  await part.third.stop()
  await meter.sample('stopped', { isRunning: false })
  await placeBulk(client, orders)
  await untilDecided(client, before + orders, signal, () => meter.sample('stopped', { isRunning: false }))
  const stopped: LagSample = await waitFor(
    'the broker to see that the group has no members',
    async () => {
      const sample = await meter.sample('stopped', { isRunning: false })
      progress(`analytics is stopped: ${sample.messages} messages behind, group ${sample.state}`)
      return sample.members === 0 && sample
    },
    { timeoutMs: 30_000, everyMs: 200, signal },
  )
  await part.third.start()
  await untilCounted(client, before + orders, { progress, signal, timeoutMs: 60_000 })
  const back = await waitFor(
    'the restarted analytics to commit what it has read',
    async () => {
      const sample = await meter.sample('started again')
      return sample.messages === 0 && sample
    },
    { timeoutMs: 15_000, everyMs: 100, signal },
  )
  return { stopped, back }
}

/** The lag is read on the way: what nobody reads, the chart does not show. */
async function untilDecided(
  client: PartClient,
  orders: number,
  signal: AbortSignal,
  sample: () => Promise<LagSample>,
): Promise<void> {
  await waitFor(
    `${orders} orders to be decided`,
    async () => {
      await sample()
      return (await client.orders()).filter(({ status }) => isTerminal(status)).length >= orders
    },
    { timeoutMs: 60_000, everyMs: 200, signal },
  )
}
