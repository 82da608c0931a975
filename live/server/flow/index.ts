import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import type { KafkaLog, Position } from '@lab/stack/kafka-log.ts'
import type { Recorder } from '../recorder.ts'
import { followFirehose } from './firehose.ts'
import type { LaneSource } from './lanes.ts'
import { createNotifications } from './notifications.ts'
import { followOrders, type OrderUpdate } from './order-stream.ts'
import { followTopics } from './topics.ts'
import { Tracker } from './tracker.ts'
import { eventOf } from './updates.ts'

const LOOK_MS = 500
/** Beyond this many new orders a second a copy of every message costs the broker more than the picture is worth. */
const FIREHOSE_UP_TO = 1_000
/** How long after the last window has closed the brokers are still listened to. */
const LINGER_MS = 5_000
const MAX_UNREAD = 2_000

export interface FlowDeps {
  lanes: readonly LaneSource[]
  recorder: Recorder
  /** Windows that are open. */
  watching: () => number
  /** All updates of a lane, also of orders that are not drawn. */
  onUpdates?: (lane: LaneSource, updates: OrderUpdate[]) => void
}

/** Sources of the flow and their state: `ok`, `resting` while nobody looks, or why nothing is read. */
export type Sources = Record<string, string>

/**
 * Where the events come from. The order streams are read always, so there is something to rewind; brokers are listened to
 * while somebody looks.
 */
export function startFlow({ lanes, recorder, watching, onUpdates }: FlowDeps) {
  const stopping = new AbortController()
  const tracker = new Tracker({ publish: (moves) => recorder.publish('flow', moves) })
  const sources = new Map(lanes.map(({ name }) => [name, {} as Sources]))
  const rates = new Map(lanes.map(({ name }) => [name, { now: 0, perSecond: 0 }]))
  const say = (lane: string, source: string) => (state: string) => {
    sources.get(lane)![source] = state
  }

  const work: Promise<void>[] = lanes.map((lane) =>
    followOrders({
      url: lane.urls.intake,
      signal: stopping.signal,
      onState: say(lane.name, 'order stream'),
      onUpdates: (updates) => {
        for (const update of updates) {
          if (update.status === 'placed') rates.get(lane.name)!.now++
          tracker.note(eventOf(lane, update))
        }
        onUpdates?.(lane, updates)
      },
    }),
  )
  const second = setInterval(() => {
    for (const rate of rates.values()) {
      rate.perSecond = rate.now
      rate.now = 0
    }
  }, 1_000)

  const whileWatched = (lane: LaneSource, source: string, listen: (signal: AbortSignal) => Promise<void>) =>
    work.push(
      listenWhile({
        isWanted: () => watching() > 0,
        isTooMuch: () => source === 'firehose' && rates.get(lane.name)!.perSecond > FIREHOSE_UP_TO,
        listen,
        say: say(lane.name, source),
        stop: stopping.signal,
      }),
    )
  for (const lane of lanes) {
    const { name: laneName, rabbitmq, kafka } = lane
    const note = (event: Parameters<Tracker['note']>[0]) => tracker.note(event)
    if (rabbitmq) {
      whileWatched(lane, 'firehose', (signal) =>
        followFirehose({ lane: laneName, rabbit: rabbitmq, signal, note }, say(laneName, 'firehose')),
      )
      whileWatched(lane, 'notifications', (signal) =>
        followNotifications(lane, tracker, signal, say(laneName, 'notifications')),
      )
    }
    if (kafka)
      whileWatched(lane, 'topics', (signal) => followKafka(lane, tracker, signal, say(laneName, 'topics')))
  }

  return {
    tracker,
    sources: (lane: string): Sources => sources.get(lane) ?? {},
    close: async () => {
      clearInterval(second)
      stopping.abort()
      await Promise.all(work)
      tracker.flush()
    },
  }
}

export type Flow = ReturnType<typeof startFlow>

interface Listening {
  isWanted: () => boolean
  isTooMuch: () => boolean
  listen: (signal: AbortSignal) => Promise<void>
  say: (state: string) => void
  stop: AbortSignal
}

async function listenWhile({ isWanted, isTooMuch, listen, say, stop }: Listening): Promise<void> {
  let session: { end: AbortController; ended: Promise<void> } | undefined
  let wantedAt = -Infinity
  const end = async () => {
    session?.end.abort()
    await session?.ended
    session = undefined
  }
  while (!stop.aborted) {
    if (isWanted()) wantedAt = performance.now()
    const tooMuch = isTooMuch()
    const wanted = performance.now() - wantedAt < LINGER_MS && !tooMuch
    if (wanted && !session) {
      const started = new AbortController()
      session = { end: started, ended: listen(started.signal).catch((err) => say(messageOf(err))) }
    } else if (!wanted) {
      await end()
      say(tooMuch ? `off: more than ${FIREHOSE_UP_TO} orders a second` : 'resting')
    }
    await pause(LOOK_MS, stop)
  }
  await end()
}

/** Who was notified has reached the end of the road. Asked for only while some order is on its last stretch. */
async function followNotifications(
  lane: LaneSource,
  tracker: Tracker,
  signal: AbortSignal,
  say: (state: string) => void,
): Promise<void> {
  const news = createNotifications(lane.urls.third)
  while (!signal.aborted) {
    try {
      for (const { order_id, at } of await news()) {
        if (!tracker.follows(order_id)) continue
        const what = `${lane.services.third} notified the customer`
        tracker.note({
          lane: lane.name,
          order: order_id,
          stop: 5,
          at: at * 1_000,
          what,
          source: 'notifications',
          mark: '',
        })
      }
      say('ok')
    } catch (err) {
      say(messageOf(err))
    }
    await pause(LOOK_MS, signal)
  }
}

/** The topics, and how far the third service has committed: what is before that it has read. */
async function followKafka(
  lane: LaneSource,
  tracker: Tracker,
  signal: AbortSignal,
  say: (state: string) => void,
): Promise<void> {
  const { openKafkaLog } = await import('@lab/stack/kafka-log.ts')
  const { brokers, prefix } = lane.kafka!
  // Two connections: a broker answers one question at a time, and the reader's waits for news.
  const reading = openKafkaLog(brokers, 'live-page-reader')
  const asking = openKafkaLog(brokers, 'live-page')
  const unread = new Map<string, Position>()
  const commits = async () => {
    while (!signal.aborted) {
      if (unread.size > 0) await noteCommitted(asking, unread).catch((err) => say(messageOf(err)))
      await pause(LOOK_MS, signal)
    }
  }
  const noteCommitted = async (log: KafkaLog, waiting: Map<string, Position>) => {
    const topic = `${prefix}inventory-events`
    const committed = await log.committed(`${prefix}analytics-group`, [topic])
    const upTo = new Map(committed.map(({ partition, offset }) => [partition, offset]))
    for (const [order, { partition, offset }] of waiting) {
      const behind = upTo.get(partition)
      if (behind === undefined || behind <= offset) continue
      waiting.delete(order)
      const what = `${lane.services.third} has committed behind it: offset ${behind} of inventory-events/${partition}`
      tracker.note({ lane: lane.name, order, stop: 5, at: Date.now(), what, source: 'Kafka', mark: '' })
    }
  }
  try {
    await Promise.all([
      followTopics(
        {
          lane: lane.name,
          log: reading,
          prefix,
          signal,
          note: (event) => tracker.note(event),
          onDecided: (order, at) => {
            if (tracker.follows(order) && unread.size < MAX_UNREAD) unread.set(order, at)
          },
        },
        say,
      ),
      commits(),
    ])
  } finally {
    await Promise.all([reading.close(), asking.close()])
  }
}
