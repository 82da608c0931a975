import type { IClientOptions, MqttClient } from 'mqtt'
import { EVERY_KITCHEN, EVERY_TABLES_FOODS, EVERY_TABLES_STATE, ordersTopic } from '../../../mqtt/topics.ts'
import type { Store } from './store.ts'
import type { Order } from './types.ts'

export interface WiringDeps {
  /** `ws://…` or `wss://…`, with a user and password in it where the broker asks for them. */
  url: string
  store: Store
  /** `connect` of mqtt.js. */
  connect: (options: IClientOptions) => MqttClient
  /** Different in every window: two windows with one id would throw each other out for ever. */
  clientId: string
  random?: () => number
}

export interface Wiring {
  /** To be called when there is something to send. */
  flush(): void
  /** Ends a wait for the next attempt, e.g. because the network is back. */
  tryNow(): void
  close(): void
}

const BACK_OFF_MS = { first: 500, longest: 15_000 }
/** A connection that lasted this long was a good one: the next failure starts with a short wait again. */
const GOOD_MS = 5_000
const TICK_MS = 1_000

/** Reason codes of MQTT 5. */
const BAD_CREDENTIALS = 134
const NOT_AUTHORIZED = 135

/**
 * Keeps the store connected. Every attempt is a client of its own, without the library's own reconnecting and queueing:
 * an order is sent by the store's count alone, and nothing that a former connection held is sent twice.
 */
export function connectKitchen({ url, store, connect, clientId, random = Math.random }: WiringDeps): Wiring {
  let client: MqttClient | undefined
  let subscribed = false
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  let closed = false

  const ticking = setInterval(() => {
    store.tick()
    flush()
  }, TICK_MS)

  function attempt(): void {
    retry = undefined
    let own: MqttClient
    try {
      own = connect({
        ...addressOf(url),
        protocolVersion: 5,
        clean: true,
        clientId,
        // A frozen broker is noticed after one and a half of these seconds.
        keepalive: 5,
        connectTimeout: 5_000,
        reconnectPeriod: 0,
      })
    } catch (err) {
      lost((err as Error).message) // no address, or one that a page that came over https may not open
      return
    }
    client = own
    let reason: string | undefined
    let goodSince: ReturnType<typeof setTimeout> | undefined
    own.on('connect', () => {
      goodSince = setTimeout(() => {
        failures = 0
      }, GOOD_MS)
      subscribe(own).catch((err: Error) => {
        reason = `the broker does not let this page read: ${err.message}`
        own.end(true)
      })
    })
    own.on('message', (topic, payload, { retain, properties }) => {
      if (client !== own) return
      const expirySeconds = properties?.messageExpiryInterval
      store.received(topic, payload.toString(), { isRetained: retain, expirySeconds })
      flush()
    })
    own.on('error', (err) => {
      reason = explain(err, url)
    })
    own.on('disconnect', ({ reasonCode }) => {
      reason = `the broker ended the connection (${reasonCode})`
    })
    own.on('close', () => {
      if (client !== own) return
      clearTimeout(goodSince)
      client = undefined
      own.end(true)
      lost(reason ?? explain(undefined, url))
    })
  }

  async function subscribe(own: MqttClient): Promise<void> {
    // The effective QoS is the smaller of publisher and subscriber.
    await own.subscribeAsync([EVERY_TABLES_STATE, EVERY_KITCHEN, EVERY_TABLES_FOODS], { qos: 1 })
    if (client !== own) return
    subscribed = true
    store.connected()
    flush()
  }

  function lost(reason: string): void {
    subscribed = false
    if (closed) return
    store.offline(reason)
    const wait = Math.min(BACK_OFF_MS.longest, BACK_OFF_MS.first * 2 ** failures)
    failures += 1
    // Between half and all of it, so that many pages do not come back in the same moment.
    retry = setTimeout(attempt, wait * (0.5 + random() / 2))
  }

  function flush(): void {
    if (!client || !subscribed) return
    for (const order of store.due()) send(client, order)
  }

  function send(own: MqttClient, order: Order): void {
    own.publish(ordersTopic(order.table), JSON.stringify(order), { qos: 1 }, (err) => {
      // Anything else that went wrong may go well the next time.
      if (codeOf(err) === NOT_AUTHORIZED) store.refuse(order, 'the broker takes no orders from this page')
    })
  }

  attempt()
  return {
    flush,
    tryNow() {
      if (retry === undefined) return
      clearTimeout(retry)
      store.connecting()
      attempt()
    },
    close() {
      closed = true
      clearInterval(ticking)
      clearTimeout(retry)
      client?.end(true)
    },
  }
}

/** The build leaves out the library's own URL parser. A user and password in the URL never reach the WebSocket's. */
function addressOf(url: string): IClientOptions {
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url)
  return {
    protocol: protocol.slice(0, -1) as 'ws' | 'wss',
    hostname,
    path: pathname + search,
    ...(port && { port: Number(port) }),
    ...(username && { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
  }
}

const codeOf = (err: unknown) => (err as { code?: unknown } | undefined)?.code

function explain(err: Error | undefined, url: string): string {
  if (codeOf(err) === BAD_CREDENTIALS || codeOf(err) === NOT_AUTHORIZED)
    return 'the broker refuses the user name or password'
  // A browser does not tell a page why a WebSocket was not opened.
  return url.startsWith('wss:') ? 'no answer, or a certificate that this browser does not trust' : 'no answer'
}
