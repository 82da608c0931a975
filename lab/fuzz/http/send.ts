import { connect } from 'node:net'
import { messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import type { Answer } from './answer.ts'
import type { HttpCase } from './case.ts'

export interface Sender {
  /** Never rejects. `isStream` takes the head of an answer that never ends, and hangs up. */
  send: (request: HttpCase, options?: { isStream?: boolean }) => Promise<Answer>
  close: () => Promise<void>
}

const DEADLINE_MS = 15_000
const CONNECTIONS = 32

/** Keep-alive connections to one service. Who pipelines behind an answer that waits, waits too: one request a connection. */
export function openSender(url: string): Sender {
  const pool = new Pool(url, {
    connections: CONNECTIONS,
    pipelining: 1,
    headersTimeout: DEADLINE_MS,
    bodyTimeout: DEADLINE_MS,
    connect: { timeout: 5_000 },
  })
  return {
    send: ({ raw, ...request }, { isStream = false } = {}) =>
      raw ? sendRaw(url, raw) : sendRequest(pool, request, isStream),
    close: () => pool.destroy(),
  }
}

async function sendRequest(
  pool: Pool,
  { method, path, headers, body }: Omit<HttpCase, 'raw'>,
  isStream: boolean,
): Promise<Answer> {
  try {
    const response = await pool.request({
      // Any word is a method on the wire; the type lists the usual ones.
      method: method as 'GET',
      path,
      headers: headers.flat(),
      body,
    })
    const contentType = String(response.headers['content-type'] ?? '')
    const received = { status: response.statusCode, contentType }
    if (isStream && contentType.includes('event-stream')) {
      response.body.on('error', () => {}).destroy()
      return { ...received, text: '' }
    }
    return { ...received, text: await response.body.text() }
  } catch (err) {
    return { error: `${(err as { code?: string }).code ?? ''} ${messageOf(err)}`.trim() }
  }
}

/** Whoever answers at all does so within milliseconds; each target has half a request or two to wait for. */
const RAW_DEADLINE_MS = 500

/** Half a request is answered by silence, until the service's own time-out: that the client hangs up is no finding. */
function sendRaw(url: string, bytes: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    const chunks: Buffer[] = []
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(rawAnswer(Buffer.concat(chunks).toString('latin1')))
    }
    const timer = setTimeout(finish, RAW_DEADLINE_MS)
    // The other side may close while we still write.
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (chunk.includes('\r\n\r\n')) finish()
    })
    socket.write(bytes)
  })
}

function rawAnswer(text: string): Answer {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  if (status === undefined) return { error: 'closed without an answer' }
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const contentType = /^content-type: *(.*)$/im.exec(head)?.[1] ?? ''
  return { status: Number(status), contentType, text: body }
}
