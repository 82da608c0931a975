import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  open: () => number
  /** How many were closed, or refused, to stay within the bound. */
  evicted: () => number
  /** A whole request has come by this connection: one that takes its time with the body is as silent as any. */
  busy: (socket: Socket) => void
  /** Its answer is sent. */
  idle: (socket: Socket) => void
}

/**
 * Bounds the connections of a server, so that no flood of silent or slow clients shuts the others out. When it is full,
 * the connection that has longest sent no whole request gives way; then the one that has longest been idle after an
 * answer. One with a request in work never does: when all have one, the newcomer is refused.
 *
 * `server.maxConnections` would always refuse the newcomer, and with it whoever asks for `/health`.
 */
export function boundConnections(server: Server, max: number): Connections {
  const silent = new Set<Socket>()
  const working = new Set<Socket>()
  const resting = new Set<Socket>()
  const open = () => silent.size + working.size + resting.size
  let evicted = 0

  const forget = (socket: Socket) => silent.delete(socket) || resting.delete(socket) || working.delete(socket)
  const evict = (victim: Socket) => {
    forget(victim)
    victim.destroy()
    evicted++
  }
  server.on('connection', (socket) => {
    const [victim] = silent.size > 0 ? silent : resting
    if (open() >= max) evict(victim ?? socket)
    if (socket.destroyed) return
    silent.add(socket)
    socket.once('close', () => forget(socket))
  })

  return {
    open,
    evicted: () => evicted,
    busy: (socket) => {
      if (silent.delete(socket) || resting.delete(socket)) working.add(socket)
    },
    idle: (socket) => {
      if ((working.delete(socket) || silent.delete(socket)) && !socket.destroyed) resting.add(socket)
    },
  }
}
