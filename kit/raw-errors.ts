import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import { LabError } from './errors.ts'
import { problemOf } from './problem.ts'
import { statusText } from './status-text.ts'

export const URL_LIMIT = 2_048

/** Answers what never became a request: too slow, too large, or not HTTP. The connection is of no more use after it. */
export function onClientError(err: ConnectionError, socket: Socket): void {
  if (err.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const problem = problemOf(asProblem(err), 'about:blank')
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${statusText(problem.status)}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function asProblem({ code, rawPacket }: ConnectionError): LabError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new LabError(
        'LAB_REQUEST_TOO_SLOW',
        'The request did not arrive within the time there is for it',
      )
    case 'HPE_HEADER_OVERFLOW': {
      // Node counts the URL with the headers: its first line tells which of them it was.
      const [line = ''] = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1').split('\n', 1) : []
      return line.length > URL_LIMIT
        ? new LabError('LAB_URL_TOO_LONG', `url: is longer than ${URL_LIMIT} characters`)
        : new LabError('LAB_HEADERS_TOO_LARGE', 'headers: are larger than 8 KiB together')
    }
    default:
      return new LabError('LAB_REQUEST_INVALID', 'The request is not HTTP/1.1')
  }
}
