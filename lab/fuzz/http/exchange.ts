import { connect } from 'node:net'
import { messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import { shortened } from '../generate.ts'
import { parseJson } from '../json.ts'

/** What the documents and the rules of HTTP say must become of a request. */
export type Expected =
  | 'accepted'
  | 'refused'
  /** Nobody promises either; what holds for every answer holds all the same. */
  | 'either'

export interface HttpCase {
  /** In a few words, what is odd about it. */
  kind: string
  method: string
  /** With its query. */
  path: string
  headers: [name: string, value: string][]
  body: Buffer | null
  expected: Expected
  /** Written to a socket as it is, in the place of everything above: for what no client library would send. */
  raw?: Buffer
}

/** A command that sends the request once more, for people. */
export function commandOf({ method, path, headers, body, raw }: HttpCase, port: number): string {
  if (raw) return `printf %b ${shellQuoted(escaped(raw))} | nc 127.0.0.1 ${port}`
  const url = `http://127.0.0.1:${port}${path}`
  const options = headers.map(
    ([name, value]) => `-H ${shellQuoted(value === '' ? `${name};` : `${name}: ${value}`)}`,
  )
  const head = `curl -i --path-as-is -X ${method} ${shellQuoted(url)}`
  if (body === null) return [head, ...options].join(' ')
  // Without its own content type curl would add one.
  if (!headers.some(([name]) => name === 'content-type')) options.push(`-H 'content-type:'`)
  return `printf %b ${shellQuoted(escaped(body))} | ${[head, ...options].join(' ')} --data-binary @-`
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const escaped = (bytes: Buffer): string =>
  shortened(
    bytes
      .toString('latin1')
      .replaceAll(/[^!-[\]-~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`),
  )

/** What came back, or why nothing did. */
export type Answer = Received | { error: string }

export interface Received {
  status: number
  contentType: string
  text: string
  error?: undefined
}

/** The body as JSON; undefined when it is none, whatever it says it is. */
export const jsonOf = ({ contentType, text }: Received): unknown =>
  contentType.includes('json') ? parseJson(text) : undefined

const DEADLINE_MS = 15_000
const CONNECTIONS = 32

/** Keep-alive connections to one service. Who pipelines behind an answer that waits, waits too: one request a connection. */
export function openSender(url: string) {
  const pool = new Pool(url, {
    connections: CONNECTIONS,
    pipelining: 1,
    headersTimeout: DEADLINE_MS,
    bodyTimeout: DEADLINE_MS,
    connect: { timeout: 5_000 },
  })
  return {
    /** Never rejects. `isStream` takes the head of an answer that never ends, and hangs up. */
    send: (request: HttpCase, isStream = false): Promise<Answer> =>
      request.raw ? sendRaw(url, request.raw) : sendRequest(pool, request, isStream),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

async function sendRequest(
  pool: Pool,
  { method, path, headers, body }: HttpCase,
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
