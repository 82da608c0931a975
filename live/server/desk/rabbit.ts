import { setTimeout as sleep } from 'node:timers/promises'
import { CONTENT_TYPE } from '@lab/common/domain/events.ts'
import { LabError } from '@lab/kit/errors.ts'
import { within } from '@lab/kit/wait.ts'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import {
  counter,
  type DeadLetter,
  letterId,
  REDRIVE,
  REDRIVES,
  REPLACES,
  type Replacement,
} from './letter.ts'
import type { Fact, Place, Work } from './place.ts'

const DLQ = 'dlq_queue'
const DEAD_LETTERS = 'dead_letter_exchange'
const [ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED] = [403, 404, 406]
const CALL_MS = 10_000
/** Another desk, or this one in another window, holds the letters for milliseconds. */
const LOCK_MS = 10_000

export interface RabbitPlaceOptions {
  part: string
  amqpUrl: string
  /** Of the part's order service, which hears what becomes of letters that are published again. */
  orderUrl: string
}

/**
 * The letters of `dlq_queue`. They are delivered to an exclusive consumer, which is the lock between desks, and given back
 * by closing its channel: a classic queue puts each back in its place and counts nothing. A quorum queue counts each of these
 * as a delivery, on 3.10 as on 4.x, and drops the message at its limit: there the desk refuses to look.
 */
export function rabbitPlace(options: RabbitPlaceOptions): Place {
  const { part } = options
  const connected = async <Result>(work: (connection: ChannelModel) => Promise<Result>): Promise<Result> => {
    const connection = await openConnection(options.amqpUrl)
    try {
      return await work(connection)
    } finally {
      await closeQuietly(connection)
    }
  }
  return {
    part,
    look: (visit, limit) =>
      connected((connection) =>
        withLetters(connection, { part, limit: limit ?? 0 }, async ({ letters, total }) => {
          for (const { letter } of letters) if (visit(letter)) break
          return total
        }),
      ),
    count: () =>
      connected((connection) =>
        onChannel(connection, async (channel) => (await channel.checkQueue(DLQ)).messageCount),
      ).catch((err) => {
        if (codeOf(err) === NOT_FOUND) return 0
        throw err
      }),
    open: async () => openWork(await openConnection(options.amqpUrl), options),
  }
}

async function openConnection(url: string): Promise<ChannelModel> {
  // Large, and not of every server that has this page.
  const { connect } = await import('amqplib')
  const opening = connect(url, {
    timeout: CALL_MS,
    noDelay: true,
    clientProperties: { connection_name: 'dead-letter-desk' },
  })
  const connection = await within(opening, CALL_MS, 'RabbitMQ to answer')
  // Whoever uses a broken connection gets its error; without a listener the process would end.
  connection.on('error', () => {})
  return connection
}

const closeQuietly = (connection: ChannelModel) =>
  within(connection.close(), CALL_MS, 'RabbitMQ to close').catch(() => {
    // It is broken, so it is closed; what broke it was told to the call it interrupted.
  })

/** A refusal closes its channel, so whatever may be refused has one of its own. */
async function onChannel<Result>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await within(connection.createChannel(), CALL_MS, 'a channel')
  channel.on('error', () => {})
  try {
    return await within(work(channel), CALL_MS, DLQ)
  } finally {
    await within(channel.close(), CALL_MS, 'a channel to close').catch(() => {
      // The broker has closed it.
    })
  }
}

const codeOf = (err: unknown): number | undefined => (err as { code?: number } | undefined)?.code

interface Held {
  letter: DeadLetter
  delivery: ConsumeMessage
}

/** Whether looking is free of consequences, which it is on the queue as part B declares it. False when there is none. */
async function isClassic(connection: ChannelModel): Promise<boolean> {
  try {
    await onChannel(connection, (channel) => channel.checkQueue(DLQ))
    await onChannel(connection, (channel) =>
      channel.assertQueue(DLQ, { durable: true, arguments: { 'x-queue-type': 'classic' } }),
    )
    return true
  } catch (err) {
    if (codeOf(err) === NOT_FOUND) return false
    if (codeOf(err) !== PRECONDITION_FAILED) throw err
    throw new LabError(
      'LAB_DEPENDENCY_UNAVAILABLE',
      `${DLQ} is not the classic queue that part B declares. Each look would count as a delivery, and at the limit drop what is looked at`,
      { cause: err },
    )
  }
}

interface Looking {
  part: string
  /** Most letters, 0 for all. */
  limit: number
  /** Stops once all of these are found, and holds on to no others. */
  wanted?: ReadonlySet<string>
}

/** Holds letters while `work` runs, and then gives back, each in its place, whatever it has not acknowledged. */
async function withLetters<Result>(
  connection: ChannelModel,
  looking: Looking,
  work: (found: { channel?: Channel; letters: Held[]; total: number }) => Promise<Result>,
): Promise<Result> {
  if (!(await isClassic(connection))) return work({ letters: [], total: 0 })
  const { limit, wanted, part } = looking
  const letters: Held[] = []
  const others: ConsumeMessage[] = []
  const nth = counter()
  const onDelivery = (delivery: ConsumeMessage | null) => {
    if (!delivery) return
    const letter = letterOf(delivery, part, nth)
    if (!wanted || wanted.has(letter.id)) letters.push({ letter, delivery })
    else others.push(delivery)
  }
  const { channel, consumerTag } = await lock(connection, limit, onDelivery)
  try {
    const received = () => letters.length + others.length
    const isEnough = () => (limit > 0 && received() >= limit) || letters.length === wanted?.size
    // The answer comes behind what was delivered before it.
    const readyNow = async () => (await within(channel.checkQueue(DLQ), CALL_MS, DLQ)).messageCount
    const deadline = Date.now() + CALL_MS
    let ready = await readyNow()
    while (ready > 0 && !isEnough() && Date.now() < deadline) {
      await sleep(5)
      ready = await readyNow()
    }
    // Who only looks stays the consumer until the letters are back: the next desk would find a queue without them.
    if (wanted) await within(channel.cancel(consumerTag), CALL_MS, 'the consumer to end')
    for (const other of others) channel.nack(other, false, true)
    return await work({ channel, letters, total: received() + ready })
  } finally {
    await within(channel.close(), CALL_MS, 'a channel to close').catch(() => {
      // Broken: the broker has given back what it held.
    })
  }
}

async function lock(
  connection: ChannelModel,
  limit: number,
  onDelivery: (delivery: ConsumeMessage | null) => void,
) {
  const deadline = Date.now() + LOCK_MS
  for (;;) {
    const channel = await within(connection.createChannel(), CALL_MS, 'a channel')
    channel.on('error', () => {})
    try {
      await within(channel.prefetch(limit), CALL_MS, 'a prefetch')
      const consuming = channel.consume(DLQ, onDelivery, { exclusive: true })
      return { channel, consumerTag: (await within(consuming, CALL_MS, DLQ)).consumerTag }
    } catch (err) {
      if (codeOf(err) !== ACCESS_REFUSED) throw err
      if (Date.now() > deadline)
        throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `somebody else consumes ${DLQ}`, {
          cause: err,
          retryable: true,
        })
      await sleep(50)
    }
  }
}

function letterOf(
  { content, fields, properties }: ConsumeMessage,
  part: string,
  nth: (id: string) => number,
): DeadLetter {
  const { headers = {}, ...known } = properties as ConsumeMessage['properties'] & Record<string, unknown>
  const {
    'x-death': deaths,
    'x-origin-queue': origin,
    'x-reason': reason,
  } = headers as Record<string, unknown>
  const death = (Array.isArray(deaths) ? deaths[0] : undefined) as
    | { queue?: unknown; reason?: unknown; time?: { value?: unknown } }
    | undefined
  const since = Date.parse(String(headers['x-dead-lettered-at']))
  const gaveUp = typeof death?.time?.value === 'number' ? death.time.value * 1_000 : undefined
  const attempts = Number(headers['x-attempts'] ?? headers['x-delivery-count'])
  const cameFrom = [origin, death?.queue].find((queue) => typeof queue === 'string') as string | undefined
  return {
    id: letterId([part, fields.routingKey, known, headers], content, nth),
    part,
    origin: cameFrom,
    reason:
      typeof reason === 'string'
        ? reason
        : death
          ? `given up by its queue: ${String(death.reason)}`
          : 'it does not say',
    diedAt: Number.isNaN(since) ? gaveUp : since,
    attempts: Number.isSafeInteger(attempts) && attempts >= 0 ? attempts : undefined,
    body: content,
    key: undefined,
    messageId: typeof known.messageId === 'string' ? known.messageId : undefined,
    headers,
    properties: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
    at: DLQ,
    cameFrom,
  }
}

// What the broker would act on or wrote itself, and notes of part B that are no longer true of a message sent back.
const NOT_SENT_BACK =
  /^(x-death|x-first-death-.*|x-last-death-.*|x-delivery-count|x-acquired-count|x-was-dead-lettered|x-handled-.*|CC|BCC)$/
const BROKER_PROPERTIES = new Set(['expiration', 'userId', 'clusterId', 'deliveryMode'])

function messageOf(
  { headers, properties, diedAt }: DeadLetter,
  { event, replaces, redrives, token }: Replacement,
) {
  const kept = Object.entries(headers).filter(([name]) => !NOT_SENT_BACK.test(name))
  const given = Object.entries(properties).filter(([name]) => !BROKER_PROPERTIES.has(name))
  return {
    ...Object.fromEntries(given),
    ...(event && {
      messageId: event.id,
      type: event.type,
      correlationId: event.subject,
      contentType: CONTENT_TYPE,
    }),
    headers: {
      // By this its consumer tells that it was a dead letter: it has all its attempts before it, and is told of.
      'x-dead-lettered-at': new Date(diedAt ?? Date.now()).toISOString(),
      ...Object.fromEntries(kept),
      [REDRIVES]: redrives,
      [REDRIVE]: token,
      ...(replaces !== undefined && { [REPLACES]: replaces }),
    },
    mandatory: true,
    persistent: true,
  }
}

async function openWork(connection: ChannelModel, { part, orderUrl }: RabbitPlaceOptions): Promise<Work> {
  const facts = new Map<string, Fact>()
  /** Of what was sent and not yet heard of, the tokens by message id, in the order of sending. */
  const waiting = new Map<string, string[]>()
  const settle = (token: string | undefined, fact: Fact) => {
    if (token !== undefined && !facts.has(token)) facts.set(token, fact)
  }
  const returned = new Set<string>()
  try {
    const publishing = await within(connection.createConfirmChannel(), CALL_MS, 'a channel')
    publishing.on('error', () => {})
    publishing.on('return', ({ properties }) => returned.add(String(properties.headers?.[REDRIVE])))
    await watchDeaths(connection, settle)
    const heard = handledSince(orderUrl)
    await heard.begin()

    const send = async (letter: DeadLetter, replacement: Replacement) => {
      const { token } = replacement
      const properties = messageOf(letter, replacement)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const settled = (err: unknown) => (err ? reject(new Error('RabbitMQ refused it')) : resolve())
      publishing.publish('', letter.origin!, replacement.body, properties, settled)
      await within(promise, CALL_MS, `a confirm of ${letter.origin}`)
      // The broker confirms what no queue takes as well, and returns it before.
      if (returned.has(token)) throw new Error(`there is no queue ${letter.origin}`)
      const { messageId } = properties as { messageId?: string }
      if (messageId !== undefined) waiting.set(messageId, [...(waiting.get(messageId) ?? []), token])
    }
    return {
      send,
      take: (wanted, handle) =>
        withLetters(connection, { part, limit: 0, wanted }, async ({ channel, letters }) => {
          for (const { letter, delivery } of letters) if (await handle(letter)) channel!.ack(delivery)
        }),
      facts: async () => {
        for (const { message_id, queue, outcome } of await heard.next()) {
          const state = outcome === 'duplicate' ? 'repeated' : 'effected'
          settle(waiting.get(message_id)?.shift(), {
            state,
            fact: `the consumer of ${queue} answered ${outcome}`,
          })
        }
        return facts
      },
      [Symbol.asyncDispose]: () => closeQuietly(connection),
    }
  } catch (err) {
    await closeQuietly(connection)
    throw err
  }
}

/** A copy of each new dead letter, for as long as this connection lives; `dlq_queue` gets its own, untouched. */
async function watchDeaths(
  connection: ChannelModel,
  settle: (token: string | undefined, fact: Fact) => void,
) {
  const channel = await within(connection.createChannel(), CALL_MS, 'a channel')
  channel.on('error', () => {})
  const { queue } = await within(channel.assertQueue('', { exclusive: true }), CALL_MS, 'a queue')
  await within(channel.bindQueue(queue, DEAD_LETTERS, ''), CALL_MS, 'a binding')
  const onDeath = (message: ConsumeMessage | null) => {
    const { [REDRIVE]: token, 'x-reason': reason } = message?.properties.headers ?? {}
    settle(token, { state: 'died-again', fact: `${DLQ} has it again: ${reason ?? 'given up by its queue'}` })
  }
  await within(channel.consume(queue, onDeath, { noAck: true }), CALL_MS, 'a consumer')
}

interface Handled {
  last: number
  handled: { seq: number; message_id: string; queue: string; outcome: 'ack' | 'duplicate' }[]
}

/** What the order service hears of letters that were published again. While it does not answer nothing is known. */
function handledSince(orderUrl: string) {
  let after = 0
  const ask = async (): Promise<Handled | undefined> => {
    try {
      const response = await fetch(new URL(`/dead-letters/handled?after=${after}`, orderUrl), {
        signal: AbortSignal.timeout(2_000),
      })
      return response.ok ? ((await response.json()) as Handled) : undefined
    } catch {
      return undefined // asked again in a moment, and the redrive says so when time is up
    }
  }
  return {
    begin: async () => {
      after = Number.MAX_SAFE_INTEGER
      after = (await ask())?.last ?? 0
    },
    next: async (): Promise<Handled['handled']> => {
      const answer = await ask()
      if (!answer) return []
      // It started again without its store, and counts anew.
      if (answer.last < after) after = 0
      else after = answer.handled.at(-1)?.seq ?? after
      return answer.handled
    },
  }
}
