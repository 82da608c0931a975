import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { connect, type IClientOptions } from 'mqtt'
import { acknowledgeByHand, type Handle } from './subscribe.ts'
import { backoffMs, KEEPALIVE_SECONDS } from './timing.ts'

export interface MqttOptions {
  url: string
  username?: string | undefined
  password?: string | undefined
  /** No two connections at a time may have the same: the broker closes the older one. */
  clientId: string
  /** How long the broker keeps subscriptions and messages while this client is away; 0 forgets them at once. */
  sessionExpirySeconds?: number
  /** Retained by the broker when this client goes without a word. */
  will?: { topic: string; body: string }
  /** What to listen to, QoS 1. A message is acknowledged once `handle` is done with it. */
  consume?: { topics: string[]; handle: Handle }
  /**
   * Another client has connected with this client id. The connection is closed for good by then. Only a broker that says
   * so makes it happen: Mosquitto 2.0 closes the connection without a word.
   */
  onTakenOver?: (err: Error) => void
  log: Logger
}

export interface PublishOptions {
  retain?: boolean
  /** After this time the broker drops the message where it has not delivered it, or retains it. */
  expirySeconds?: number
}

export interface Connection {
  /** `ok`, or why not. */
  state: () => string
  /** Whether the broker has kept a session for this client id; undefined before the first connection. */
  hadSession: () => boolean | undefined
  /**
   * QoS 1: resolves once the broker has the message, whatever becomes of connections until then; rejects when the broker
   * refuses it, or at `close`.
   */
  publish: (topic: string, body: string, options?: PublishOptions) => Promise<void>
  /** `hook` runs at every connection, once what was consumed is subscribed. */
  onConnected: (hook: () => void) => void
  unsubscribe: (topics: string[]) => Promise<void>
  /** Says goodbye, so that no will is published; the session is kept for as long as it was asked for. */
  close: () => Promise<void>
}

/** Orders that may be here and not acknowledged. */
const RECEIVE_MAXIMUM = 100
const CLOSE_MS = 2_000
/** A connection that lasts no longer counts as a failed attempt: two clients of one id throw each other out. */
const STABLE_MS = 10_000

/** A connection that comes back by itself, for as long as it is not closed or taken over. */
export function connectMqtt(options: MqttOptions): Connection {
  const { clientId, consume, onTakenOver, log } = options
  const client = connect(options.url, clientOptions(options))
  const settled = consume ? acknowledgeByHand(client, consume.handle, log) : async () => {}
  const hooks: (() => void)[] = []
  const pending = new Set<Promise<void>>()
  let state = 'connecting'
  let hadSession: boolean | undefined
  let attempts = 0
  let stable: NodeJS.Timeout | undefined

  client.on('connect', ({ sessionPresent }) => {
    stable = setTimeout(() => {
      attempts = 0
      client.options.reconnectPeriod = backoffMs(0)
    }, STABLE_MS)
    hadSession = sessionPresent
    log.info({ client_id: clientId, session: sessionPresent }, 'mqtt_connected')
    void subscribed().then((isSubscribed) => {
      if (!isSubscribed) return
      state = 'ok'
      for (const hook of hooks) hook()
    })
  })
  client.on('reconnect', () => {
    client.options.reconnectPeriod = backoffMs(++attempts)
  })
  client.on('close', () => {
    clearTimeout(stable)
    if (state !== 'ok') return
    state = 'connecting'
    log.warn({ client_id: clientId }, 'mqtt_disconnected')
  })
  client.on('error', (err) => {
    // An address with several numbers fails with an error of errors, which has no message of its own.
    state = messageOf(err) || String((err as NodeJS.ErrnoException).code)
    log.warn({ err, client_id: clientId }, 'mqtt_failed')
  })
  client.on('disconnect', ({ reasonCode }) => {
    if (reasonCode !== TAKEN_OVER) return
    state = 'taken over'
    client.end(true)
    onTakenOver?.(new Error(`another client has connected as '${clientId}'`))
  })

  /**
   * At every connection, also where the broker says that it has kept the session: Mosquitto 2.0 keeps no `$share`
   * subscription over a restart, and acknowledges what nobody gets.
   */
  const subscribed = async (): Promise<boolean> => {
    if (consume === undefined || consume.topics.length === 0) return true
    try {
      await client.subscribeAsync(consume.topics, { qos: 1 })
      return true
    } catch (err) {
      // Without the connection it is tried again on the next one; refused, it would be refused again.
      if (client.connected) log.error({ err, topics: consume.topics }, 'subscription refused')
      state = messageOf(err)
      return false
    }
  }

  return {
    state: () => state,
    hadSession: () => hadSession,
    publish: (topic, body, { retain = false, expirySeconds } = {}) => {
      const properties = expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }
      const sent = client.publishAsync(topic, body, { qos: 1, retain, properties }).then(() => {})
      pending.add(sent)
      const gone = () => pending.delete(sent)
      sent.then(gone, gone)
      return sent
    },
    onConnected: (hook) => void hooks.push(hook),
    unsubscribe: async (topics) => {
      await client.unsubscribeAsync(topics)
    },
    close: async () => {
      clearTimeout(stable)
      if (client.connected && pending.size > 0) await timeout(Promise.allSettled(pending), CLOSE_MS)
      // An orderly end would wait for ever for what is not acknowledged, be it the subscription.
      const isForced = !client.connected || Object.keys(client.outgoing).length > 0
      await client.endAsync(isForced)
      await timeout(settled(), CLOSE_MS)
    },
  }
}

const TAKEN_OVER = 142

function clientOptions(options: MqttOptions): IClientOptions {
  const { username, password, clientId, sessionExpirySeconds = 0, will } = options
  return {
    protocolVersion: 5,
    clientId,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    clean: sessionExpirySeconds === 0,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: 5_000,
    reconnectPeriod: backoffMs(0),
    // Also after a refusal: the broker may be starting, or be given another password.
    reconnectOnConnackError: true,
    resubscribe: false,
    properties: { sessionExpiryInterval: sessionExpirySeconds, receiveMaximum: RECEIVE_MAXIMUM },
    ...(will && { will: { topic: will.topic, payload: Buffer.from(will.body), qos: 1, retain: true } }),
  }
}

async function timeout(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([
    work,
    new Promise((resolve) => {
      timer = setTimeout(resolve, ms)
    }),
  ])
  clearTimeout(timer)
}
