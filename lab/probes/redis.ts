import { createClient } from 'redis'

export interface RedisAddress {
  host: string
  port: number
  db: number
  username: string
  password: string
}

const open = ({ host, port, db, username, password }: RedisAddress) => {
  const client = createClient({
    username,
    password,
    database: db,
    disableClientInfo: true,
    socket: { host, port, reconnectStrategy: 50 },
  })
  client.on('error', () => {
    // Whoever uses a broken connection gets its error; without a listener the process would end.
  })
  return client
}

export type RedisProbe = AsyncDisposable & ReturnType<typeof open>

/** The lab's own clients of Redis, beside the services: the bare library. */
export async function openRedisProbe(address: RedisAddress): Promise<RedisProbe> {
  const client = open(address)
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() })
}

interface Subscriber {
  isOn: () => boolean
  /** As a process that is killed. */
  kill: () => void
}

/** A subscriber of a channel that comes back by itself. Resolves when it is subscribed. */
export async function subscribeRedis(
  address: RedisAddress,
  channel: string,
  onMessage: (message: string) => void,
): Promise<Subscriber> {
  const client = open(address)
  await client.connect()
  await client.subscribe(channel, onMessage)
  return {
    isOn: () => client.isReady,
    kill: () => client.destroy(),
  }
}

/** Where a client of the platform's WebSocket has come to. */
export interface Place {
  seq: number
  epoch: string
}

/**
 * A client of the platform's WebSocket that comes back by the seq it has seen last. What it is told of before it has caught up for
 * the first time is not reported, unless it begins at a place.
 */
export function followPlatform(
  url: string,
  onSeq: (seq: number) => void,
  from: Place = { seq: 0, epoch: '' },
): Subscriber & { start: () => void; place: () => Place; comebacks: () => number } {
  let { seq, epoch } = from
  let socket: WebSocket | undefined
  let isOn = false
  let comebacks = 0
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    const known = epoch === '' ? '' : `&epoch=${epoch}`
    const one = new WebSocket(`${url.replace('http', 'ws')}/ws?last_seq=${seq}${known}`)
    socket = one
    one.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data)
      if (message.event_type === 'stream.resumed') comebacks++
      if (message.event_type === 'stream.resumed' || message.event_type === 'stream.snapshot') {
        isOn = true
        epoch = message.epoch
        if (message.event_type === 'stream.snapshot') seq = message.seq
      }
      if (message.event_type.startsWith('stream.')) return
      seq = message.seq
      onSeq(message.seq)
    })
    one.addEventListener('error', () => {
      // It closes, too.
    })
    one.addEventListener('close', () => {
      if (socket !== one) return
      isOn = false
      timer = setTimeout(start, 50)
    })
  }
  return {
    start,
    isOn: () => isOn,
    place: () => ({ seq, epoch }),
    comebacks: () => comebacks,
    kill: () => {
      clearTimeout(timer)
      const gone = socket
      socket = undefined
      isOn = false
      gone?.close()
    },
  }
}
