import { messageOf } from '@lab/kit/errors.ts'
import type { PartClient } from '../../parts/client.ts'
import { type KafkaProbe, openKafkaProbe, type TopicRecord } from '../../probes/kafka.ts'
import type { RunningTrio, TrioService } from '../../trio.ts'
import { type Finding, headOf, Tally, type TargetResult } from '../finding.ts'
import type { FuzzOptions } from '../http/fuzz-route.ts'
import { CASE, drawMessages, type Numbered } from './draw.ts'
import { kafkaCases, kafkaOracle, type TopicSpec } from './kafka-cases.ts'
import { reckonTopic } from './reckon-topic.ts'
import { lagOf, readTopicState } from './topic-state.ts'
import { untilStill } from './until-still.ts'

export interface TopicFuzz {
  part: RunningTrio
  client: PartClient
  ids: string[]
}

const READ_MS = 120_000
const READY_MS = 10_000

export const topicTarget = ({ topic }: TopicSpec): string => `consumers of ${topic}`

/** Writes records to one topic, waits until every consumer has read them, and accounts for every one. */
export async function fuzzTopic(
  spec: TopicSpec,
  { part, client, ids }: TopicFuzz,
  options: FuzzOptions,
): Promise<TargetResult> {
  const startedAt = performance.now()
  const target = topicTarget(spec)
  const pids = part.services.map(({ pid }) => pid)
  await using probe = await openKafkaProbe(part.kafka!)
  const ends = new Map(
    (await probe.endOffsets('inventory-events')).map(({ partition, end }) => [partition, end]),
  )
  const before = await readTopicState(client)
  const sent = await sendAll(spec, { probe, ids, options })

  // Negative, so that it grows: what is left goes down to nothing.
  const hasDrained = await untilStill(async () => -(await lagOf(probe)), {
    signal: options.signal,
    enough: (left) => left === 0,
    progress: (left) => options.progress(`${target}: ${-left} records left to read`),
  })
  const lost = part.services.filter(({ pid }, at) => pid !== pids[at])
  const findings: Finding[] = lost.map(({ name }) => ({
    target,
    rule: 'the service ended',
    detail: name,
    count: 0,
  }))
  if (!hasDrained)
    findings.push({
      target,
      rule: 'the lag does not go down to 0',
      detail: [`${await lagOf(probe)} records left`, ...(await Promise.all(part.services.map(readyOf)))].join(
        '; ',
      ),
      count: 0,
    })
  if (lost.length === 0) {
    const read = (topic: string) => probe.readAll(topic, { timeoutMs: READ_MS, signal: options.signal })
    const isNew = ({ partition, offset }: TopicRecord) => BigInt(offset) >= (ends.get(partition) ?? 0n)
    const log = {
      'order-events': await read('order-events'),
      'inventory-events': await read('inventory-events'),
    }
    const announced = log['inventory-events'].filter(isNew)
    const letters = await read('order-events.dlt')
    findings.push(
      ...reckonTopic(spec, {
        target,
        sent,
        log,
        announced,
        letters,
        before,
        after: await readTopicState(client),
      }),
    )
  }
  return { target, ...talliesOf(spec, sent), seconds: (performance.now() - startedAt) / 1_000, findings }
}

/** What a service says of itself when something does not go on. */
async function readyOf({ name, url }: TrioService): Promise<string> {
  const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(READY_MS) }).catch(messageOf)
  return `${name}/ready: ${typeof answer === 'string' ? answer : await answer.text()}`
}

interface Sending {
  probe: KafkaProbe
  ids: string[]
  options: FuzzOptions
}

async function sendAll(spec: TopicSpec, { probe, ids, options }: Sending): Promise<Numbered[]> {
  const target = topicTarget(spec)
  const sent: Numbered[] = []
  for (const chunk of drawMessages(target, kafkaCases(spec, { components: {}, ids }), options)) {
    options.signal.throwIfAborted()
    await probe.produce(
      spec.topic,
      chunk.map(({ at, message: { key, body, headers } }) => ({
        key,
        value: body,
        headers: { ...(headers as Record<string, string>), [CASE]: String(at) },
      })),
    )
    sent.push(...chunk)
    options.progress(`${target}: ${sent.length} of ${options.cases} sent`)
  }
  return sent
}

function talliesOf(spec: TopicSpec, sent: Numbered[]): Pick<TargetResult, 'cases' | 'outcomes' | 'kinds'> {
  const judge = kafkaOracle(spec)
  const [outcomes, kinds] = [new Tally(), new Tally()]
  for (const { message } of sent) {
    outcomes.add(judge(message).kind)
    kinds.add(headOf(message.kind))
  }
  return { cases: sent.length, outcomes: outcomes.counts, kinds: kinds.counts }
}
