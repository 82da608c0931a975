import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@lab/kit/log.ts'
import type { MqttClient } from 'mqtt'
import { backoffMs } from './timing.ts'

export interface Message {
  topic: string
  body: Buffer
}

/**
 * Records messages, and answers how many of them, from the first one on. A throw, or a rejection, means none: they are
 * handled again, and what follows waits.
 */
export type Handle = (messages: Message[]) => number | Promise<number>

/**
 * Sends the PUBACK of a message only when `handle` has recorded it; messages that come together are handled together.
 * Answers a function that resolves when none is being handled.
 *
 * What is not acknowledged comes again with the next connection; what is acknowledged never does. At most
 * `receiveMaximum` messages are here without a PUBACK: the rest stays in the broker.
 */
export function acknowledgeByHand(client: MqttClient, handle: Handle, log: Logger): () => Promise<void> {
  let waiting: (Message & Acknowledgeable)[] = []
  let draining: Promise<void> | undefined
  // The packet id belongs to the connection. On another one its PUBACK would be for a message nobody has recorded.
  const isCurrent = ({ stream }: Acknowledgeable) =>
    client.connected && client.stream === stream && !client.disconnecting

  client.handleMessage = ({ topic, payload, messageId }, next) => {
    waiting.push({ topic, body: payload as Buffer, messageId, stream: client.stream })
    draining ??= new Promise(setImmediate).then(drain)
    // With an error the client goes on without a PUBACK of its own. It would wait for it otherwise, and with it every
    // answer of the broker behind this message, pings included.
    next(HELD)
  }

  const drain = async () => {
    for (let tries = 0; waiting.length > 0; ) {
      const batch = waiting.filter(isCurrent)
      waiting = []
      try {
        const recorded = batch.length === 0 ? 0 : await handle(batch)
        for (const message of batch.splice(0, recorded)) if (isCurrent(message)) acknowledge(message)
        tries = 0
      } catch (err) {
        log.warn({ err, tries }, 'messages not recorded: they are tried again')
        await sleep(backoffMs(tries++))
      }
      waiting.unshift(...batch)
    }
    draining = undefined
  }

  const acknowledge = ({ messageId }: Acknowledgeable) => {
    // QoS 0 has none. The client has no public call for it; its version is exact, and the tests would notice.
    const { _sendPacket: send } = client as unknown as { _sendPacket: (packet: object) => void }
    if (messageId !== undefined) send.call(client, { cmd: 'puback', messageId, reasonCode: 0 })
  }
  return async () => draining
}

const HELD = new Error('acknowledged later')

interface Acknowledgeable {
  messageId: number | undefined
  stream: MqttClient['stream']
}

/** For whoever records messages one by one. */
export function oneByOne(record: (message: Message) => void): Handle {
  return (messages) => {
    for (const message of messages) record(message)
    return messages.length
  }
}
