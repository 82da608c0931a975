import type { PartClient } from '../../parts/client.ts'
import { type Captured, type Flood, openFlood } from '../../probes/rabbit.ts'
import type { RunningTrio } from '../../trio.ts'
import { headOf, Tally, type TargetResult } from '../finding.ts'
import type { FuzzOptions } from '../http/fuzz-route.ts'
import { CASE, drawMessages, type Numbered } from './draw.ts'
import { readQueueState, settledSoFar } from './queue-state.ts'
import { QUEUES, type QueueSpec, rabbitCases, rabbitOracle } from './rabbit-cases.ts'
import { reckonQueue } from './reckon-queue.ts'
import { untilStill } from './until-still.ts'

export interface QueueFuzz {
  part: RunningTrio
  client: PartClient
  /** Orders that come again and again, some of them known. */
  ids: string[]
}

export const queueTarget = ({ queue }: QueueSpec): string => `consumer of ${queue}`

/** Sends messages to one queue, waits until its consumer has settled them, and accounts for every one. */
export async function fuzzQueue(
  spec: QueueSpec,
  fuzz: QueueFuzz,
  options: FuzzOptions,
): Promise<TargetResult> {
  const startedAt = performance.now()
  const target = queueTarget(spec)
  const { part, client } = fuzz
  const pids = part.services.map(({ pid }) => pid)
  await using flood = await openFlood(part.rabbit!)
  const letters = await flood.drain('dlq_queue')
  const decisions = spec.queue === 'inventory_queue' ? await flood.copy('inventory.*') : { taken: [] }
  const before = await readQueueState(client)

  const sent = await sendAll(spec, { flood, ids: fuzz.ids, options })
  const deliveries = sent.reduce((sum, { message }) => sum + queuesOf(message.key).length, 0)
  const settled = async () => (await settledSoFar(client)) - before.settled
  const hasDrained = await untilStill(settled, {
    signal: options.signal,
    enough: (count) => count >= deliveries + followUps(decisions.taken),
    progress: (count) => options.progress(`${target}: ${count} of ${deliveries} settled`),
  })
  const lost = part.services.filter(({ pid }, at) => pid !== pids[at])
  const findings = lost.map(({ name }) => ({ target, rule: 'the service ended', detail: name, count: 0 }))
  if (!hasDrained)
    findings.push({ target, rule: 'the queues do not drain', detail: `${deliveries} deliveries`, count: 0 })
  if (lost.length === 0)
    findings.push(
      ...reckonQueue(spec, {
        target,
        sent,
        letters: letters.taken,
        decisions: decisions.taken,
        before,
        after: await readQueueState(client),
      }),
    )
  return { target, ...talliesOf(spec, sent), seconds: (performance.now() - startedAt) / 1_000, findings }
}

/** What inventory decides goes on to order-service, and what it reserves to notification-service as well. */
const followUps = (decisions: Captured[]) =>
  decisions.reduce((sum, { routingKey }) => sum + queuesOf(routingKey).length, 0)

const queuesOf = (key: string | null): QueueSpec[] => QUEUES.filter(({ keys }) => keys.includes(key ?? ''))

interface Sending {
  flood: Flood
  ids: string[]
  options: FuzzOptions
}

async function sendAll(spec: QueueSpec, { flood, ids, options }: Sending): Promise<Numbered[]> {
  const target = queueTarget(spec)
  const messages = rabbitCases(spec, { components: {}, ids })
  const sent: Numbered[] = []
  for (const chunk of drawMessages(target, messages, options)) {
    options.signal.throwIfAborted()
    await flood.publishAll(
      chunk.map(({ at, message }) => ({
        routingKey: message.key ?? '',
        body: message.body ?? Buffer.alloc(0),
        properties: { ...message.properties, headers: { ...message.headers, [CASE]: at } },
      })),
    )
    sent.push(...chunk)
    options.progress(`${target}: ${sent.length} of ${options.cases} sent`)
  }
  return sent
}

function talliesOf(spec: QueueSpec, sent: Numbered[]): Pick<TargetResult, 'cases' | 'outcomes' | 'kinds'> {
  const judge = rabbitOracle(spec)
  const [outcomes, kinds] = [new Tally(), new Tally()]
  for (const { message } of sent) {
    outcomes.add(judge(message).kind)
    kinds.add(headOf(message.kind))
  }
  return { cases: sent.length, outcomes: outcomes.counts, kinds: kinds.counts }
}
