import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy {
  /** The broker's URL by way of this proxy. */
  url: string
  /** How many connections have been accepted. */
  accepted: () => number
  /** How many bytes the broker has sent over the nth connection. */
  received: (connection: number) => number
  close: () => void
}

/**
 * A TCP proxy in front of a broker that resets its nth connection once `budget(n)` bytes have come from the broker:
 * the network failing at a moment of one's choice. Undefined lets a connection live.
 */
export async function startCuttingProxy(
  brokerUrl: string,
  budget: (connection: number) => number | undefined,
): Promise<CuttingProxy> {
  const target = new URL(brokerUrl)
  const sockets = new Set<Socket>()
  const received: number[] = []
  const server = createServer((client) => {
    const n = received.push(0) - 1
    const most = budget(n) ?? Number.POSITIVE_INFINITY
    const broker = connect(Number(target.port), target.hostname)
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(socket)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.on('error', () => {
        // 'close' follows.
      })
    }
    client.on('data', (chunk) => void broker.write(chunk))
    broker.on('data', (chunk) => {
      const before = received[n] as number
      received[n] = before + chunk.length
      client.write(chunk.subarray(0, most - before))
      if (received[n] >= most) client.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(brokerUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    accepted: () => received.length,
    received: (connection) => received[connection] ?? 0,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
