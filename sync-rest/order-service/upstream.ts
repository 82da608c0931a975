import { type Dispatcher, errors, Pool } from 'undici'

/** What became of one call. Only `answered` and `unreachable` are certain; after the others nobody knows. */
export type Reply =
  | { kind: 'answered'; status: number; text: string }
  /** No connection could be made, so nothing was sent. */
  | { kind: 'unreachable'; cause: unknown }
  /** The connection broke after the request may have been sent. */
  | { kind: 'broken'; cause: unknown }
  | { kind: 'timeout' }

export interface Upstream {
  /**
   * Sends JSON to an idempotent route and never throws. The time-out is a total: waiting for a connection, the answer
   * and its body. A connection that breaks is tried once more at once, as a keep-alive connection may be closed by the
   * other side at the moment it is used.
   */
  post: (path: string, body: unknown) => Promise<Reply>
  /** Whether the other side answers its health route within `timeoutMs`. */
  isReachable: (timeoutMs: number) => Promise<boolean>
  /** Ends every open call, and every later one, as broken. To be called as often as one likes. */
  close: () => Promise<void>
}

export interface UpstreamOptions {
  timeoutMs: number
  connections: number
}

const MAX_ANSWER_BYTES = 64 * 1024
const MAX_CONNECT_MS = 1_000

/** One pool of keep-alive connections to one service. */
export function openUpstream(origin: string, { timeoutMs, connections }: UpstreamOptions): Upstream {
  const pool = new Pool(origin, {
    connections,
    connect: { timeout: Math.min(timeoutMs, MAX_CONNECT_MS) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  })
  return {
    post: (path, body) => {
      const options = { method: 'POST' as const, path, headers: JSON_HEADERS, body: JSON.stringify(body) }
      return within(timeoutMs, (deadline) => twice(() => attempt(pool, options, deadline), deadline))
    },
    isReachable: async (limitMs) => {
      const options = { method: 'GET' as const, path: '/health' }
      const reply = await within(limitMs, (deadline) => attempt(pool, options, deadline))
      return reply.kind === 'answered' && reply.status === 200
    },
    close: () => pool.destroy(),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' }

/** Told of each attempt when it has a connection, and aborts it when the time is over. */
interface Deadline {
  isOver: boolean
  started: (attempt: Dispatcher.DispatchController) => void
}

/** A deadline of our own: undici's timers may be late by a second, and none runs while a call waits for a connection. */
function within(limitMs: number, send: (deadline: Deadline) => Promise<Reply>): Promise<Reply> {
  return new Promise((resolve) => {
    let running: Dispatcher.DispatchController | undefined
    const abort = () => running?.abort(new errors.RequestAbortedError())
    const deadline: Deadline = {
      isOver: false,
      started: (attempt) => {
        running = attempt
        if (deadline.isOver) abort()
      },
    }
    const timer = setTimeout(() => {
      deadline.isOver = true
      resolve({ kind: 'timeout' })
      abort()
    }, limitMs)
    void send(deadline).then((reply) => {
      clearTimeout(timer)
      resolve(reply)
    })
  })
}

/** By `dispatch`, as undici's `request` makes a stream of every answer and wants an `AbortSignal` to be given up. */
function attempt(pool: Pool, options: Dispatcher.DispatchOptions, { started }: Deadline): Promise<Reply> {
  return new Promise((resolve) => {
    let status = 0
    const chunks: Buffer[] = []
    pool.dispatch(options, {
      onRequestStart: started,
      onResponseStart: (_, statusCode) => {
        status = statusCode
      },
      onResponseData: (_, chunk) => {
        chunks.push(chunk)
      },
      onResponseEnd: () => resolve({ kind: 'answered', status, text: Buffer.concat(chunks).toString() }),
      onResponseError: (_, cause) => resolve(failure(cause)),
    })
  })
}

/** Once more after a broken connection. A refusal then says nothing about the first attempt, which stays unknown. */
async function twice(send: () => Promise<Reply>, deadline: Deadline): Promise<Reply> {
  const first = await send()
  if (first.kind !== 'broken' || deadline.isOver) return first
  const second = await send()
  return second.kind === 'unreachable' ? first : second
}

const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

function failure(cause: unknown): Reply {
  if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError)
    return { kind: 'timeout' }
  const code = (cause as { code?: string }).code ?? ''
  return BEFORE_SENDING.has(code) ? { kind: 'unreachable', cause } : { kind: 'broken', cause }
}
