import fc from 'fast-check'
import { weirdBytes } from '../json/weird.ts'
import type { HttpCase } from './case.ts'

/** Node reads a line without a version as HTTP/1.0. */
const TAKEN = new Set(['no version'])

const HOST = 'Host: lab\r\n'

/**
 * Requests that no client library would write: broken framing, smuggling, half a request. None of them is a request this
 * service could carry out, so each is refused or its connection is closed.
 */
export function rawCase(method: string, path: string): fc.Arbitrary<HttpCase> {
  const line = `${method} ${path} HTTP/1.1\r\n`
  const json = 'Content-Type: application/json\r\n'
  const texts: Record<string, string> = {
    'no host': `${line}\r\n`,
    'two lengths': `${line}${HOST}${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    'length and chunks': `${line}${HOST}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'negative length': `${line}${HOST}${json}Content-Length: -1\r\n\r\n{}`,
    'length of letters': `${line}${HOST}${json}Content-Length: abc\r\n\r\n{}`,
    'broken chunk': `POST ${path} HTTP/1.1\r\n${HOST}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    'chunk without end': `POST ${path} HTTP/1.1\r\n${HOST}${json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n`,
    'unknown coding': `POST ${path} HTTP/1.1\r\n${HOST}${json}Transfer-Encoding: gzip\r\n\r\n{}`,
    'space in a name': `${line}${HOST}Bad Name: x\r\n\r\n`,
    'folded header': `${line}${HOST}X-A: b\r\n c\r\n\r\n`,
    'control character': `${line}${HOST}X-A: \x01\x00\r\n\r\n`,
    'huge header': `${line}${HOST}X-A: ${'a'.repeat(70_000)}\r\n\r\n`,
    'huge path': `${method} ${path}?${'a'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n`,
    'unknown method': `BREW ${path} HTTP/1.1\r\n${HOST}\r\n`,
    'no version': `${method} ${path}\r\n\r\n`,
    'other version': `${method} ${path} HTTP/9.9\r\n${HOST}\r\n`,
    'not HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'no authority': `CONNECT ${path} HTTP/1.1\r\n${HOST}\r\n`,
    expectation: `${line}${HOST}Expect: the-unexpected\r\n\r\n`,
  }
  const named = fc
    .constantFrom(...Object.entries(texts))
    .map(([kind, text]) => ({ kind, raw: Buffer.from(text, 'latin1') }))
  const random = weirdBytes.map((bytes) => ({
    kind: 'noise',
    raw: Buffer.concat([bytes, Buffer.from('\r\n\r\n')]),
  }))
  return fc.oneof({ weight: 8, arbitrary: named }, { weight: 1, arbitrary: random }).map(({ kind, raw }) => ({
    kind: `raw: ${kind}`,
    method,
    path,
    headers: [],
    body: null,
    expected: TAKEN.has(kind) ? 'either' : 'refused',
    raw,
  }))
}
