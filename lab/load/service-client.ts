import { nextIn } from '@lab/kit/paging.ts'
import { Pool } from 'undici'

/** What a service answered. `body` is the parsed JSON, or the text when the answer is not JSON. */
export interface Answer {
  status: number
  body: unknown
  /** Where a list goes on. */
  next?: string | undefined
  /** From the first byte sent to the last byte read. */
  latencyUs: number
}

export type ServiceClient = ReturnType<typeof openServiceClient>

export interface RequestOptions {
  headers?: Record<string, string>
  /** Deadline of the whole exchange; 15 s unless told. */
  timeoutMs?: number
}

const TIMEOUT_MS = 15_000

/**
 * One pool of connections to one service. Any status is an answer; only an exchange that did not finish (refused, reset,
 * past its deadline, aborted) rejects, and what it asked for may still have happened.
 */
export function openServiceClient(
  url: string,
  { connections = 16, signal }: { connections?: number; signal?: AbortSignal } = {},
) {
  const pool = new Pool(url, { connections, connect: { timeout: 3_000 } })

  const exchange = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    sent: unknown,
    options: RequestOptions = {},
  ): Promise<Answer> => {
    const { timeoutMs = TIMEOUT_MS } = options
    const deadline = AbortSignal.timeout(timeoutMs)
    const startedAt = performance.now()
    const answer = async () => {
      const response = await pool.request({
        method,
        path,
        headers: {
          ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        body: sent === undefined ? null : JSON.stringify(sent),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        // The deadline above covers these; undici's own timers are coarse.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      return { response, text: await response.body.text() }
    }
    const { response, text } = await answer().catch((err: unknown) => {
      if (!deadline.aborted || signal?.aborted) throw err
      throw new Error(`${method} ${url}${path} was not answered within ${timeoutMs / 1_000} s`, {
        cause: err,
      })
    })
    const latencyUs = Math.round((performance.now() - startedAt) * 1_000)
    const isJson = /json/.test(String(response.headers['content-type'] ?? ''))
    return {
      status: response.statusCode,
      body: isJson ? (JSON.parse(text) as unknown) : text,
      next: nextIn(String(response.headers.link ?? '')),
      latencyUs,
    }
  }

  return {
    get: (path: string, options?: RequestOptions) => exchange('GET', path, undefined, options),
    post: (path: string, body: unknown, options?: RequestOptions) => exchange('POST', path, body, options),
    delete: (path: string, options?: RequestOptions) => exchange('DELETE', path, undefined, options),
    close: () => pool.destroy(),
  }
}
