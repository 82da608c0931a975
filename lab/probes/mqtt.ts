import { connect, type IClientOptions, type MqttClient } from 'mqtt'

export type Qos = 0 | 1 | 2

interface MqttProbe extends AsyncDisposable {
  /** Resolves when the broker has it, or for QoS 0 when it is sent. Rejects while there is no connection for QoS 0. */
  publish: (topic: string, body: string, qos: Qos) => Promise<void>
}

export interface MqttSubscriber extends AsyncDisposable {
  /** Whether it is connected and its subscription granted. */
  isOn: () => boolean
  /** The connection is reset; it comes back by itself, with what it remembers. */
  cut: () => void
  /** As a process that is killed: no goodbye, no memory. */
  kill: () => Promise<void>
}

interface SubscriberOptions {
  topic: string
  qos: Qos
  clientId: string
  /** Whether the broker keeps its session while it is away. */
  isPersistent: boolean
  onMessage: (body: string) => void
}

const common = {
  protocolVersion: 5,
  keepalive: 5,
  reconnectPeriod: 100,
  connectTimeout: 5_000,
  queueQoSZero: false,
} satisfies IClientOptions

/** The lab's own clients of an MQTT broker, beside the services: the bare library. */
export async function openMqttProbe(url: string, signal: AbortSignal): Promise<MqttProbe> {
  const client = connect(url, { ...common, clientId: `lab-${crypto.randomUUID()}` })
  listen(client)
  await connected(client, signal)
  return {
    publish: async (topic, body, qos) => {
      await client.publishAsync(topic, body, { qos })
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}

/** Resolves when its subscription is granted. */
export async function subscribeMqtt(
  url: string,
  { topic, qos, clientId, isPersistent, onMessage }: SubscriberOptions,
  signal: AbortSignal,
): Promise<MqttSubscriber> {
  const client = connect(url, {
    ...common,
    clientId,
    clean: !isPersistent,
    resubscribe: false,
    properties: { sessionExpiryInterval: isPersistent ? 300 : 0 },
  })
  listen(client)
  let isOn = false
  const granted = Promise.withResolvers<void>()
  client.on('message', (_, body) => onMessage(body.toString()))
  client.on('close', () => {
    isOn = false
  })
  client.on('connect', () => {
    client.subscribeAsync(topic, { qos }).then(
      () => {
        isOn = true
        granted.resolve()
      },
      () => {
        // Cut off meanwhile: the next connection does it.
      },
    )
  })
  signal.addEventListener('abort', () => granted.reject(signal.reason), { once: true })
  await granted.promise
  return {
    isOn: () => isOn,
    cut: () => client.stream.destroy(),
    kill: () => client.endAsync(true),
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}

function listen(client: MqttClient): void {
  // Whoever uses a broken connection gets its error; without a listener the process would end.
  client.on('error', () => {})
}

async function connected(client: MqttClient, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
