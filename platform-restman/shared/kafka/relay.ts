import { setTimeout as sleep } from 'node:timers/promises'
import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { pause } from '@lab/kit/wait.ts'
import { Partitioners, type Producer } from 'kafkajs'
import type { Db } from '../db/db.ts'
import { createKafka, type KafkaSettings } from './client.ts'
import { ensureTopics } from './topics.ts'

export interface Relay {
  /** Something was put out: looks at once. */
  pump: () => void
  /** `ok`, or why nothing goes out. */
  state: () => string
  close: () => Promise<void>
}

interface Row {
  id: string
  topic: string
  key: string
  payload: string
}

const BATCH = 500
/** Who puts something out says so; this finds what another process left. */
const IDLE_MS = 500
const WAITING = 'select id from outbox where published_at is null limit 1'
/** Under load so much comes together into one batch, and into one transaction of whoever hears it. */
const GATHER_MS = 20
const SEND_MS = 10_000
const BACKOFF_MS = [100, 250, 500, 1_000, 2_000]

/**
 * Publishes what is in the outbox, the oldest first, until the broker has it. An event can go out twice, when the process
 * dies between; it is never left out. Of several processes the one that holds the lock row publishes.
 */
export function startRelay(db: Db, settings: KafkaSettings, metrics: Metrics): Relay {
  const { prefix, log } = settings
  const closing = new AbortController()
  let state = 'connecting'
  let producer: Producer | undefined
  let wake = () => {}
  let isPumped = false

  async function connected(): Promise<Producer> {
    if (producer) return producer
    await ensureTopics(settings)
    const next = createKafka(settings).producer({
      // One request at a time: more could be acknowledged out of order after a failure.
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await next.connect()
    producer = next
    return next
  }

  const publish = (to: Producer) =>
    db.transaction(async (tx) => {
      const [lock] = await tx.query(
        `select name from outbox_lock where name = 'relay' for update skip locked`,
      )
      if (!lock) return 0
      const rows = await tx.query<Row>(
        `select id, topic, key, payload::text as payload from outbox where published_at is null order by created_at, id limit ${BATCH}`,
      )
      if (rows.length === 0) return 0
      const topics = Map.groupBy(rows, ({ topic }) => topic)
      const topicMessages = [...topics].map(([topic, events]) => ({
        topic: `${prefix}${topic}`,
        messages: events.map(({ key, payload }) => ({ key, value: payload })),
      }))
      await bounded(to.sendBatch({ acks: -1, topicMessages }), SEND_MS, 'publishing')
      await tx.query('update outbox set published_at = now() where id = any($1)', [rows.map(({ id }) => id)])
      for (const [topic, events] of topics) metrics.messagesPublished(topic, events.length)
      return rows.length
    }, 'read committed')

  const drop = async () => {
    const old = producer
    producer = undefined
    if (old) await settlesWithin(old.disconnect(), 1_000)
  }
  const untilWoken = (ms: number) =>
    Promise.race([
      pause(ms, closing.signal),
      new Promise<void>((resolve) => {
        wake = resolve
      }),
    ])

  const finished = (async () => {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        const startedAt = performance.now()
        isPumped = false
        const to = await connected()
        // One statement a turn, as most find nothing; the transaction has four.
        const count = (await db.query(WAITING)).length > 0 ? await publish(to) : 0
        state = 'ok'
        failures = 0
        const early = GATHER_MS - (performance.now() - startedAt)
        if (count > 0 && early > 0) await sleep(early, undefined, { signal: closing.signal })
        if (count < BATCH && !isPumped) await untilWoken(IDLE_MS)
      } catch (err) {
        if (closing.signal.aborted) break
        state = messageOf(err)
        log.warn({ reason: state }, 'events wait in the outbox')
        await drop()
        await untilWoken(BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)]!)
      }
    }
    await drop()
  })()

  return {
    pump: () => {
      isPumped = true
      wake()
    },
    state: () => state,
    close: async () => {
      closing.abort()
      await finished
    },
  }
}
