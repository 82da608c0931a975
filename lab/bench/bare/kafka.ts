import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Contestant } from '../alternate.ts'
import { BenchInvalid } from '../bench.ts'

export interface Producing {
  brokers: string[]
  topic: string
  records: number
  recordBytes: number
}

export interface Consuming {
  brokers: string[]
  /** Before the name of its group. */
  prefix: string
  topics: string[]
  records: number
}

export type Work = ({ kind: 'produce' } & Producing) | ({ kind: 'consume' } & Consuming)
export type Answer = { perSecond: number } | { error: string }

const WORKER = fileURLToPath(new URL('./kafka-worker.ts', import.meta.url))
/** What is loaded before the library: nothing but what keeps it from hanging, or part C's own inner loops as well. */
const BEFORE = {
  kafkajs: new URL('../../../stack/kafkajs-guard.ts', import.meta.url),
  'kafkajs with our codec': new URL('../../../streaming-kafka/broker/kafkajs.ts', import.meta.url),
}

/**
 * kafkajs by itself, as it is and with the codec of part C: what the library and the codec would allow. Each round is a process of
 * its own, as inner loops are for all of a process.
 */
export const bareKafka = (work: Work, signal: AbortSignal): Contestant[] =>
  Object.entries(BEFORE).map(([library, before]) => ({
    name: `${library}, ${work.kind}`,
    round: async () => ({ records: await inProcess(work, { before, signal }) }),
  }))

async function inProcess(
  work: Work,
  { before, signal }: { before: URL; signal: AbortSignal },
): Promise<number> {
  const child = fork(WORKER, [], { execArgv: ['--import', before.href], signal, killSignal: 'SIGKILL' })
  const exited = once(child, 'exit')
  exited.catch(() => {}) // an abort: whoever waits for the answer hears of it
  child.send(work)
  try {
    const answer: Answer[] = await Promise.race([
      once(child, 'message'),
      exited.then(([code, how]) => [{ error: `kafkajs ended (${how ?? code}) without a figure` }]),
    ])
    if ('error' in answer[0]!) throw new BenchInvalid(answer[0].error)
    return answer[0]!.perSecond
  } finally {
    if (child.connected) child.disconnect()
    await exited.catch(() => {})
  }
}
