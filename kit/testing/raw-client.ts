import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../wait.ts'

/** A TCP connection that is no HTTP client: it sends what it is told, as slowly as it is told, or nothing at all. */
export interface RawClient {
  socket: Socket
  send: (text: string) => void
  /** Sends one byte after the other until the other side has had enough. */
  dribble: (text: string, everyMs: number) => Promise<void>
  received: () => string
  isClosed: () => boolean
  /** Waits until the other side has closed, at most 20 s, and gives what it said. */
  end: () => Promise<string>
}

const END_MS = 20_000

export async function openRaw(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => (received += text))
  let isClosed = false
  socket.on('error', () => {
    // Reset by the other side: what it said until then stands.
  })
  // Not "once(socket, 'close')": that rejects when an error comes first, and a byte that meets a closed socket is one.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void closed.then(() => {
    isClosed = true
  })
  await once(socket, 'connect')
  return {
    socket,
    send: (text) => void socket.write(text),
    dribble: async (text, everyMs) => {
      for (const byte of text) {
        if (isClosed) return
        socket.write(byte)
        await sleep(everyMs)
      }
    },
    received: () => received,
    isClosed: () => isClosed,
    end: async () => {
      await within(closed, END_MS, 'the other side to close')
      return received
    },
  }
}

const AT_ONCE = 250

/** Opens this many connections that say nothing. Disposing of them resets all, so that no port waits for its time-out. */
export async function openSilent(url: string, count: number): Promise<{ sockets: Socket[] } & Disposable> {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.on('error', () => {
        // Closed by the other side to make room.
      })
      return socket
    })
    sockets.push(...batch)
    await Promise.all(batch.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
  }
  return {
    sockets,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}
