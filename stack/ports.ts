import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { Hopeless } from '@lab/kit/wait.ts'

const handedOut = new Set<number>()

/**
 * `count` different TCP ports of 127.0.0.1 that are free now and that this process has not handed out before.
 *
 * They lie below the range the kernel takes for outgoing connections: a client that reconnects to a stopped broker
 * in a loop can otherwise be given the broker's own port and hold it, or even connect to itself.
 * Another program may still take one before it is used: the caller retries with new ports on EADDRINUSE.
 */
export async function freePorts(count: number): Promise<number[]> {
  const [low, high] = portRange()
  const found: number[] = []
  for (let tries = 0; found.length < count; tries++) {
    if (tries > 2_000) throw new Error(`no ${count} free ports between ${low} and ${high}`)
    const port = randomInt(low, high)
    if (handedOut.has(port) || !(await isPortFree(port))) continue
    handedOut.add(port)
    found.push(port)
  }
  return found
}

export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** True when somebody takes connections there, within a second. */
export async function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect({ port, host, timeout: 1_000 })
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('timeout', () => resolve(false))
  }).finally(() => socket.destroy())
}

/** Runs `attempt` with free ports; again with others when one of them turns out to be taken, three times in all. */
export async function withFreePorts<T>(count: number, attempt: (ports: number[]) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(await freePorts(count))
    } catch (err) {
      if (!(err instanceof PortTaken) || tries === 3) throw err
    }
  }
}

/** A port was free when it was chosen and is not any more. */
export class PortTaken extends Hopeless {}

/** True for the words by which servers say that an address is in use. */
export function saysPortTaken(text: string): boolean {
  return /EADDRINUSE|address already in use|Unable to create websockets listener/i.test(text)
}

function portRange(): [low: number, high: number] {
  const ephemeral = ephemeralStart()
  return ephemeral > 21_000 ? [20_000, Math.min(ephemeral, 32_000)] : [20_000, 32_000]
}

function ephemeralStart(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
  } catch {
    return 49_152 // macOS and the others keep to the IANA range
  }
}
