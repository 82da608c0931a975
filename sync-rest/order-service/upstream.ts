import { errors, Pool } from 'undici'

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

  // A deadline of our own: undici's timers may be late by a second, and an abort signal alone does not end a call
  // that still waits for a connection.
  const within = async (limitMs: number, send: (signal: AbortSignal) => Promise<Reply>): Promise<Reply> => {
    const abort = new AbortController()
    const expired = Promise.withResolvers<Reply>()
    const expire = () => {
      expired.resolve({ kind: 'timeout' })
      abort.abort()
    }
    const timer = setTimeout(expire, limitMs)
    try {
      return await Promise.race([send(abort.signal), expired.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    post: (path, body) => {
      const call = { method: 'POST' as const, path, headers: JSON_HEADERS, body: JSON.stringify(body) }
      return within(timeoutMs, (signal) => twice(() => attempt(pool, { ...call, signal }), signal))
    },
    isReachable: async (limitMs) => {
      const reply = await within(limitMs, (signal) =>
        attempt(pool, { method: 'GET', path: '/health', signal }),
      )
      return reply.kind === 'answered' && reply.status === 200
    },
    close: () => pool.destroy(),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' }

async function attempt(pool: Pool, options: Parameters<Pool['request']>[0]): Promise<Reply> {
  try {
    const { statusCode, body } = await pool.request(options)
    // Always read to the end: a body left unread keeps its connection.
    return { kind: 'answered', status: statusCode, text: await body.text() }
  } catch (cause) {
    return failure(cause)
  }
}

/** Once more after a broken connection. A refusal then says nothing about the first attempt, which stays unknown. */
async function twice(send: () => Promise<Reply>, signal: AbortSignal): Promise<Reply> {
  const first = await send()
  if (first.kind !== 'broken' || signal.aborted) return first
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
