import { openPartClient } from '../parts/client.ts'
import type { Progress, Session } from '../run/session.ts'
import { brokerFor, startTrio, stockEnv, type TrioName } from '../trio.ts'
import { openAccount, STOCK } from './account.ts'
import { fuzzRoutes, idsFor } from './http/routes.ts'
import { type Consumer, fuzzConsumer } from './messages/consumers.ts'
import { queues } from './messages/queues.ts'
import { topics } from './messages/topics.ts'
import type { TargetResult } from './results.ts'

interface PartFuzzOptions {
  session: Pick<Session, 'run' | 'signal' | 'server'>
  part: TrioName
  /** For each route and each consumer. */
  cases: number
  seed: number
  progress: Progress
  /** Only targets whose name has this in it. */
  target?: string | undefined
  /** Only the case of this number. */
  only?: number | undefined
}

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
