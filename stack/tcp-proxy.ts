import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Direction, Line } from './tcp-proxy/line.ts'
import { pump, reset } from './tcp-proxy/pump.ts'

export interface Upstream {
  host: string
  port: number
}

/** A TCP proxy on 127.0.0.1 whose network can be broken. What is set holds until `heal`, for new connections too. */
export interface TcpProxy {
  readonly port: number
  /** Where new connections lead. Without one they are reset. */
  upstream: Upstream | undefined
  /** Clients that are connected now. */
  connections(): number
  /** Resets every connection, on both sides; new ones are taken. */
  cut(): void
  /** Resets every connection and listens no more, until `heal`: a client gets ECONNREFUSED. */
  refuse(): Promise<void>
  /** Everything arrives this much later, each way. */
  delay(ms: number): void
  /**
   * Half-open: connections stay and nothing passes, not even the news that a side is gone. `up` is from the client to the
   * upstream. What is held back arrives after `heal`, as TCP would repeat it.
   */
  freeze(which: 'both' | Direction): void
  /** The bandwidth of each direction, all connections together. */
  throttle(bytesPerSecond: number): void
  /** Ends what was set and listens again. Connections that were reset stay so. */
  heal(): Promise<void>
  /** Resets every connection and ends. Idempotent. */
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/**
 * Opens a proxy on `port`, a free one by default. Bytes keep their order; at most 1 MiB a connection and direction is held,
 * then the sender feels the back-pressure. An upstream that cannot be reached resets its client.
 */
export async function openTcpProxy(options: { upstream?: Upstream; port?: number } = {}): Promise<TcpProxy> {
  const line = new Line()
  const pairs = new Set<readonly [Socket, Socket]>()
  let upstream = options.upstream

  const accept = (client: Socket) => {
    if (!upstream) return reset(client)
    const pair = [client, connect({ ...upstream, noDelay: true, allowHalfOpen: true })] as const
    pairs.add(pair)
    // Both sides: when either is gone alone, the line may still be to carry that news.
    const forget = () => pair.every(({ destroyed }) => destroyed) && pairs.delete(pair)
    for (const socket of pair) socket.on('close', forget)
    pump(client, pair[1], line, 'up')
    pump(pair[1], client, line, 'down')
  }
  const cut = () => {
    for (const socket of [...pairs].flat()) reset(socket)
  }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept)
  const port = await listen(server, options.port ?? 0)
  const refuse = async () => {
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    cut()
    await closed
  }
  let isClosed = false

  return {
    port,
    get upstream() {
      return upstream
    },
    set upstream(next) {
      upstream = next
    },
    connections: () => [...pairs].filter(([client]) => !client.destroyed).length,
    cut,
    refuse,
    delay: (delayMs) => line.set({ delayMs }),
    freeze: (which) => line.set({ frozen: which === 'both' ? ['up', 'down'] : [which] }),
    throttle: (bytesPerSecond) => line.set({ bytesPerSecond }),
    async heal() {
      line.heal()
      if (!server.listening && !isClosed) await listen(server, port)
    },
    async close() {
      isClosed = true
      line.heal()
      await refuse()
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen({ host: HOST, port })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
