import type { Bench } from '../bench/bench.ts'
import { openPartClient } from '../parts/client.ts'
import type { Progress, Session } from '../run/session.ts'
import { brokerFor, startTrio, stockEnv, type TrioName } from '../trio.ts'
import { openAccount, STOCK } from './account.ts'
import { fuzzRoutes, idsFor } from './http/routes.ts'
import { type Consumer, fuzzConsumer } from './messages/consumers.ts'
import { queues } from './messages/queues.ts'
import { topics } from './messages/topics.ts'
import { describeFinding, fuzzTable, type TargetResult } from './results.ts'

interface Cases {
  /** For each route and each consumer. */
  cases: number
  /** Makes the same cases again. */
  seed: number
  /** Only targets whose name has this in it. */
  target?: string | undefined
  /** Only the case of this number. */
  only?: number | undefined
}

interface PartFuzzOptions extends Cases {
  session: Pick<Session, 'run' | 'signal' | 'server'>
  part: TrioName
  progress: Progress
}

/** Whether any request or message breaks a service or slips through. What does not balance here are the findings. */
export const fuzz = (chosen: Cases): Bench => ({
  looksFor: 'findings',
  parts: ({ parts, session }) =>
    parts.map((part) => ({
      part,
      title: `${part}: fuzzing with seed ${chosen.seed}, ${chosen.cases} cases of each route and each consumer`,
      async measure(progress) {
        const { seed, cases } = chosen
        const targets = await fuzzPart({ ...chosen, session, part, progress })
        const findings = targets.flatMap((target) => target.findings)
        const sent = targets.reduce((sum, target) => sum + target.cases, 0)
        return {
          part,
          ledger: findings.map((finding) => describeFinding(part, finding, seed)),
          tables: [fuzzTable(part, targets)],
          lines: [],
          short: `${sent} cases, ${targets.length} targets, ${findings.length} findings`,
          data: { seed, cases, targets },
        }
      },
    })),
})

/** Part A has none: its messages are requests. */
const CONSUMERS: Record<TrioName, Consumer[]> = {
  'sync-rest': [],
  'async-rabbitmq': queues,
  'streaming-kafka': topics,
}

/** Starts a part with plenty of stock, fuzzes its routes and then its consumers, one after the other, and closes it. */
export async function fuzzPart(options: PartFuzzOptions): Promise<TargetResult[]> {
  const { session, part: name, cases, seed, progress, target = '', only } = options
  const { run, signal } = session
  await using opened = new AsyncDisposableStack()
  const part = await startTrio(name, {
    run,
    signal,
    progress,
    env: { LOG_LEVEL: 'error', ...stockEnv(STOCK) },
    ...(await brokerFor(name, session)),
  })
  opened.defer(part.close)
  const client = opened.use(openPartClient(part, signal))
  const account = openAccount({ part, client, signal })
  const wants = (text: string) => text.includes(target)
  const fuzz = { seed, cases, only, signal, progress }
  const routes = await fuzzRoutes({ part, account, wants }, fuzz)
  // A part with a service less has nothing more to tell.
  if (part.services.some(({ pid }) => pid === undefined)) return routes
  const results = [...routes]
  for (const consumer of CONSUMERS[name].filter(({ target }) => wants(target)))
    results.push(await fuzzConsumer(consumer, { part, client, ids: idsFor(seed) }, fuzz))
  return results
}
