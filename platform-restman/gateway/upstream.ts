import type { Readable } from 'node:stream'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { type Dispatcher, Pool } from 'undici'
import { type Circuit, createCircuit } from './circuit.ts'

export interface Call {
  method: string
  path: string
  headers: Record<string, string>
  body?: Buffer | undefined
}

export interface Answer {
  status: number
  headers: Record<string, string | string[]>
  body: Readable
}

export interface Upstream {
  service: string
  /** Answers whatever the service does. Rejects with the `LabError` that the caller is told when it does not. */
  call: (call: Call) => Promise<Answer>
  /** The same past the circuit and with little patience, for those who ask how the service is. At most `timeoutMs`. */
  ask: (path: string, limitMs?: number) => Promise<Answer>
  circuit: Circuit
  close: () => Promise<void>
}

export interface UpstreamOptions {
  timeoutMs: number
  connections: number
}

const MAX_CONNECT_MS = 1_000
const ASK_MS = 2_000

/** One pool of connections to one service. */
export function openUpstream(service: string, origin: string, options: UpstreamOptions): Upstream {
  const { timeoutMs, connections } = options
  const pool = new Pool(origin, {
    connections,
    connect: { timeout: Math.min(timeoutMs, MAX_CONNECT_MS) },
    headersTimeout: 0,
    bodyTimeout: timeoutMs,
  })
  const circuit = createCircuit()
  const send = (call: Call, limitMs: number) => once(pool, call, limitMs).catch((err) => refuse(service, err))
  return {
    service,
    circuit,
    async call(call) {
      if (!circuit.admits())
        throw new LabError(
          'LAB_DEPENDENCY_UNAVAILABLE',
          `${service} is away, its calls are refused for a moment`,
        )
      try {
        const answer = await send(call, timeoutMs)
        circuit.succeeded()
        return answer
      } catch (err) {
        circuit.failed()
        throw err
      }
    },
    ask: (path, limitMs = ASK_MS) => send({ method: 'GET', path, headers: {} }, Math.min(limitMs, timeoutMs)),
    close: () => pool.destroy(),
  }
}

class TimedOut extends Error {}

/** A deadline of our own until the answer begins: undici's timers may be late by a second. */
async function once(pool: Pool, { method, path, headers, body }: Call, limitMs: number): Promise<Answer> {
  const given = new AbortController()
  const timer = setTimeout(() => given.abort(new TimedOut()), limitMs)
  const options = { path, method: method as Dispatcher.HttpMethod, headers, signal: given.signal }
  const attempt = () => pool.request(body ? { ...options, body } : options)
  try {
    // A connection may be closed by the other side at the moment it is used: a read is tried once more.
    const answer = await attempt().catch((err) => {
      if (method !== 'GET' || !isBroken(err)) throw err
      return attempt()
    })
    return { status: answer.statusCode, headers: answer.headers as Answer['headers'], body: answer.body }
  } finally {
    clearTimeout(timer)
  }
}

const BEFORE_SENDING = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]
const codeOf = (err: unknown) => (err as { code?: string }).code ?? ''
const isBroken = (err: unknown) => !(err instanceof TimedOut) && !BEFORE_SENDING.includes(codeOf(err))

function refuse(service: string, cause: unknown): never {
  if (cause instanceof TimedOut)
    throw new LabError(
      'LAB_UPSTREAM_TIMEOUT',
      `${service} did not answer in time; what was asked for may still happen`,
      { cause },
    )
  if (BEFORE_SENDING.includes(codeOf(cause)))
    throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `${service} is away`, { cause })
  throw new LabError('LAB_UPSTREAM_BROKEN', `${service} broke off: ${messageOf(cause)}`, { cause })
}
