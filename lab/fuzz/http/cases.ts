import fc from 'fast-check'
import { type Body, mutatedBody, type ValidOptions, validBody, validJson } from '../generate.ts'
import { compile, type Fits, hasByteOrderMark, parseBody, reachesPrototype } from '../json.ts'
import { weirdBytes, weirdString } from '../weird.ts'
import type { Parameter, Route } from './document.ts'
import type { Expected, HttpCase } from './exchange.ts'

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'MKCOL',
  'LOCK',
  'PURGE',
]

interface CaseOptions extends ValidOptions {
  /** All routes of the service: a wrong method may be the right one of another route. */
  routes: Route[]
}

/** The requests of one route: a third as documented, the others with one thing odd, some with two. */
export function routeCases(route: Route, options: CaseOptions): fc.Arbitrary<HttpCase> {
  const body = bodyPieces(route, options)
  const path = goodPath(route, options)
  const method = fc.constant<Piece<string>>({ value: route.method, expected: 'accepted' })
  const headers = (route.method === 'POST' ? keyed : fc.constant<Headers>([])).map(
    (value): Piece<Headers> => ({ value, expected: 'accepted' }),
  )
  const good = { body: body.good, path, method, headers }
  const made = (pieces: Partial<Pieces>) => fc.record({ ...good, ...pieces }).map(requestOf)
  const odd = {
    body: body.odd,
    path: oddPath(route, options),
    method: oddMethod(route, options),
    headers: oddHeader,
  }
  const weightOfBody = route.body ? 40 : 6
  return fc.oneof(
    { weight: 30, arbitrary: made({}) },
    { weight: weightOfBody, arbitrary: made({ body: odd.body }) },
    {
      weight: route.parameters.some((parameter) => parameter.in !== 'header') ? 20 : 6,
      arbitrary: made({ path: odd.path }),
    },
    { weight: 5, arbitrary: made({ method: odd.method }) },
    { weight: 10, arbitrary: made({ headers: odd.headers }) },
    { weight: 3, arbitrary: made({ body: odd.body, headers: odd.headers }) },
    { weight: 2, arbitrary: made({ path: odd.path, method: odd.method }) },
    { weight: 1, arbitrary: rawCase(route.method, route.path) },
  )
}

/** Requests for what is not there: any path and any method. */
export function strayCases(routes: Route[]): fc.Arbitrary<HttpCase> {
  const segments = fc.array(
    fc.oneof(weirdSegment, fc.constantFrom('docs', 'static', 'json', 'admin', 'orders', 'order')),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  const path = segments.map((parts): Piece<string> => ({ value: `/${parts.join('/')}`, expected: 'either' }))
  const method = fc.constantFrom(...METHODS).map((value): Piece<string> => ({ value, expected: 'either' }))
  const headers = fc.oneof(fc.constant<Piece<Headers>>({ value: [], expected: 'either' }), oddHeader)
  const { odd: body } = bodyPieces({ ...routes[0]!, body: undefined }, { components: {}, ids: [] })
  const none = fc.constant<Piece<BodyPiece>>({
    value: { bytes: null, contentType: undefined },
    expected: 'either',
  })
  return fc
    .record({ body: fc.oneof(none, body), path, method, headers })
    .map((pieces) => ({ ...requestOf(pieces), kind: 'no such route' }))
}

interface Pieces {
  body: fc.Arbitrary<Piece<BodyPiece>>
  path: fc.Arbitrary<Piece<string>>
  method: fc.Arbitrary<Piece<string>>
  headers: fc.Arbitrary<Piece<Headers>>
}

interface Drawn {
  body: Piece<BodyPiece>
  path: Piece<string>
  method: Piece<string>
  headers: Piece<Headers>
}

function requestOf({ body, path, method, headers }: Drawn): HttpCase {
  const pieces = [body, path, method, headers]
  const odd = pieces.flatMap((piece) => piece.odd ?? [])
  const { bytes, contentType } = body.value
  return {
    kind: odd.length === 0 ? 'as documented' : odd.join(' + '),
    method: method.value,
    path: path.value,
    headers: [
      ...(contentType === undefined ? [] : [['content-type', contentType] as const]),
      ...headers.value,
    ].map(([name, value]) => [name, value]),
    body: bytes,
    expected: together(pieces.map(({ expected }) => expected)),
  }
}

/** A path that is another one, or a method that has another meaning, leaves nothing for sure. */
function together(expected: Expected[]): Expected {
  const [body, path, method, headers] = expected
  if (path === 'either' || method === 'either') return 'either'
  if (method === 'refused' || body === 'refused') return 'refused'
  return body === 'accepted' && headers === 'accepted' ? 'accepted' : 'either'
}

function oddMethod(route: Route, { routes }: CaseOptions): fc.Arbitrary<Piece<string>> {
  const known = new Set(routes.filter(({ path }) => path === route.path).map(({ method }) => method))
  const others = METHODS.filter((method) => method !== route.method)
  return fc.constantFrom(...others).map((value) => ({
    value,
    odd: `method: ${value}`,
    // Whoever answers GET may answer HEAD and OPTIONS too.
    expected: known.has(value) || value === 'HEAD' || value === 'OPTIONS' ? 'either' : 'refused',
  }))
}

/** A part of a request, what is odd about it, and what it alone would come to. */
interface Piece<Value> {
  value: Value
  odd?: string
  expected: Expected
}

interface BodyPiece {
  bytes: Buffer | null
  contentType: string | undefined
}

const plain = <Value>(value: Value): Piece<Value> => ({ value, expected: 'accepted' })

/** No service here reads a body of more; where exactly its limit is below that, it may choose. */
const SURELY_TOO_LARGE = 1024 * 1024
const SURELY_READ = 8 * 1024

interface BodyPieces {
  good: fc.Arbitrary<Piece<BodyPiece>>
  odd: fc.Arbitrary<Piece<BodyPiece>>
}

function bodyPieces(route: Route, options: ValidOptions): BodyPieces {
  if (!route.body) return { good: fc.constant(plain({ bytes: null, contentType: undefined })), odd: needless }
  const fits = compile(route.body, route.components)
  const valid = validJson(route.body, options)
  const json = (body: Body): Piece<BodyPiece> => ({
    value: { bytes: body.bytes, contentType: 'application/json' },
    expected: expectedOf(body.bytes, fits),
    ...(body.change !== 'valid' && { odd: `body: ${body.change}` }),
  })
  const good = validBody(valid).map(json)
  const retyped = fc.tuple(good, contentType).map(([{ value }, { type, expected }]) => ({
    value: { ...value, contentType: type },
    expected,
    odd: `content-type: ${type ?? 'none'}`,
  }))
  const missing = fc.constantFrom(undefined, 'application/json').map((type) => ({
    value: { bytes: null, contentType: type },
    expected: 'refused' as const,
    odd: 'body: none',
  }))
  return {
    good,
    odd: fc.oneof(
      { weight: 16, arbitrary: mutatedBody(valid).map(json) },
      { weight: 3, arbitrary: retyped },
      { weight: 1, arbitrary: missing },
    ),
  }
}

function expectedOf(bytes: Buffer, fits: Fits): Expected {
  if (bytes.length > SURELY_TOO_LARGE) return 'refused'
  const value = parseBody(bytes)
  if (value === undefined || reachesPrototype(value) || !fits(value)) return 'refused'
  return hasByteOrderMark(bytes) || bytes.length > SURELY_READ ? 'either' : 'accepted'
}

const contentType: fc.Arbitrary<{ type: string | undefined; expected: Expected }> = fc.oneof(
  fc
    .constantFrom(
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/json;',
      'application/json;q=1',
    )
    .map((type) => ({ type, expected: 'either' as const })),
  fc
    .constantFrom(
      'application/json, text/plain',
      'application/json; charset=utf-16',
      'application/cloudevents+json',
    )
    .map((type) => ({ type, expected: 'either' as const })),
  fc
    .constantFrom(
      undefined,
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'json',
      '*/*',
    )
    .map((type) => ({ type, expected: 'refused' as const })),
  fc
    .constantFrom(
      'application/x-www-form-urlencoded',
      'text/json',
      'application/jsonp',
      'application',
      '/',
      ';',
      ' ',
    )
    .map((type) => ({ type, expected: 'refused' as const })),
)

/** Where no body is asked for, one may be ignored or refused. */
const needless: fc.Arbitrary<Piece<BodyPiece>> = fc
  .tuple(
    fc.oneof(
      weirdBytes,
      fc.constantFrom('{}', '[]', 'x', '{', '{"a":1}', ' '.repeat(20_000)).map((text) => Buffer.from(text)),
    ),
    fc.constantFrom(undefined, 'application/json', 'text/plain', 'application/octet-stream'),
  )
  .map(([bytes, type]) => ({
    value: { bytes, contentType: type },
    expected: 'either',
    odd: 'body: needless',
  }))

/** The path with its parameters filled in, and the query that is documented. */
function goodPath(route: Route, options: ValidOptions): fc.Arbitrary<Piece<string>> {
  const value = ({ schema }: Parameter) =>
    fc.oneof(...options.ids.map((id) => fc.constant(id)), fc.uuid(), validText(schema, options))
  const filled = route.parameters.filter((parameter) => parameter.in !== 'header')
  return fc.tuple(fc.tuple(...filled.map(value)), fc.boolean()).map(([values, withQuery]) => {
    let path = route.path
    const query: string[] = []
    for (const [at, parameter] of filled.entries()) {
      const text = encodeURIComponent(values[at]!.toWellFormed())
      if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, text || '-')
      else if (withQuery && text !== '') query.push(`${parameter.name}=${text}`)
    }
    // What a parameter may be is for the service to say: a 404, a 400 for one that is too long.
    const expected = filled.length === 0 ? 'accepted' : 'either'
    return { value: query.length === 0 ? path : `${path}?${query.join('&')}`, expected }
  })
}

const validText = (schema: Parameter['schema'], options: ValidOptions) =>
  validJson(schema, options).map((json) => String(JSON.parse(json as string)))

/** Anything that may stand in a request line: a client that sends less is not the one to fear. */
const weirdSegment = fc.oneof(
  weirdString.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    '%',
    '%zz',
    '%00',
    '%c3%28',
    '%2e%2e%2f',
    '..',
    '.',
    '%2f',
    '%5c',
    '*',
    ';a=b',
    ':id',
    '{id}',
    '%ff%fe',
  ),
  fc.constantFrom(
    '~',
    '!',
    '$&',
    "'",
    '(',
    '@',
    '[]',
    '|',
    '^',
    '`',
    '\u00e9',
    '\u00ff',
    'x'.repeat(101),
    'x'.repeat(3_000),
  ),
)

function oddPath(route: Route, options: ValidOptions): fc.Arbitrary<Piece<string>> {
  const filled = goodPath(route, options)
  const either = (odd: string) => (value: string) => ({ value, odd, expected: 'either' as const })
  return fc.oneof(
    weirdSegment
      .map((segment) => route.path.replace(/\{\w+\}|[^/]+$/, () => segment))
      .map(either('path: segment')),
    fc
      .tuple(filled, weirdSegment)
      .map(([{ value }, segment]) => `${value}/${segment}`)
      .map(either('path: longer')),
    fc
      .tuple(filled, query)
      .map(([{ value }, text]) => `${value}${value.includes('?') ? '&' : '?'}${text}`)
      .map(either('query')),
    filled.map(({ value }) => value.toUpperCase()).map(either('path: upper case')),
    fc
      .tuple(filled, fc.constantFrom('/', '//', '#x', ';x', '%20', '?', '??', '/.'))
      .map(([{ value }, tail]) => value + tail)
      .map(either('path: tail')),
  )
}

const query = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom('group', 'group[]', '__proto__', 'a[b][c]', 'limit', ''), weirdSegment),
      weirdSegment,
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pairs) =>
    pairs
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
      .replaceAll('?', '%3F'),
  )

export type Headers = [name: string, value: string][]

/** What a client library lets through; the rest is for the raw requests. */
const headerText = fc
  .oneof(
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 300,
    }),
    fc.string({
      unit: fc.integer({ min: 0xa0, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 50,
    }),
    fc.constantFrom(
      '',
      'null',
      '0',
      '*',
      '*/*',
      ',,,',
      '"',
      'a'.repeat(255),
      'a'.repeat(256),
      'x'.repeat(4_000),
    ),
  )
  .map((text) => text.trim())

const name = fc.constantFrom(
  'traceparent',
  'tracestate',
  'x-request-id',
  'correlation-id',
  'accept',
  'accept-encoding',
  'accept-language',
  'range',
  'if-none-match',
  'if-match',
  'if-modified-since',
  'cookie',
  'referer',
  'user-agent',
  'origin',
  'te',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
  'x-http-method-override',
  'prefer',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'authorization',
  'x-real-ip',
  'accept-version',
  'access-control-request-method',
  'sec-fetch-site',
  'max-forwards',
  'priority',
  '__proto__',
)

/** Headers that are larger together may be too large for a service. */
const HEADERS_SURELY_READ = 4_000

/** They may decide who is let in. */
const DECIDING = new Set([
  'authorization',
  'origin',
  'accept-version',
  'content-encoding',
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-forwarded-host',
  'sec-fetch-site',
])

const KEY = /^[\x21-\x7e]{1,255}$/

/** Keys come again, with the same order and with others. */
const goodKey = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map((number) => `fuzz-${number}`),
  fc.uuid(),
  fc.stringMatching(/^[\x21-\x7e]{1,255}$/),
)

const keyed = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Headers>([]) },
  { weight: 1, arbitrary: goodKey.map((key): Headers => [['idempotency-key', key]]) },
)

const oddKey = headerText.map((key): Piece<Headers> => {
  const expected: Expected = KEY.test(key) ? 'accepted' : 'either'
  return { value: [['idempotency-key', key]], odd: 'header: idempotency-key', expected }
})

const oddHeaders = fc
  .array(fc.tuple(name, headerText), { minLength: 1, maxLength: 6 })
  .map((headers): Piece<Headers> => {
    const size = headers.flat().join('').length
    const isDeciding = size > HEADERS_SURELY_READ || headers.some(([name]) => DECIDING.has(name))
    return {
      value: headers,
      odd: `header: ${headers.map(([name]) => name).join(', ')}`.slice(0, 60),
      expected: isDeciding ? 'either' : 'accepted',
    }
  })

const manyHeaders = fc.tuple(fc.integer({ min: 10, max: 300 }), fc.integer({ min: 1, max: 200 })).map(
  ([count, size]): Piece<Headers> => ({
    value: Array.from({ length: count }, (_, at) => [`x-many-${at}`, 'y'.repeat(size)]),
    odd: 'header: many',
    expected: 'either',
  }),
)

const oddHeader = fc.oneof(
  { weight: 4, arbitrary: oddKey },
  { weight: 6, arbitrary: oddHeaders },
  { weight: 1, arbitrary: manyHeaders },
)

/** Node reads a line without a version as HTTP/1.0. */
const TAKEN = new Set(['no version'])

const HOST = 'Host: lab\r\n'

/**
 * Requests that no client library would write: broken framing, smuggling, half a request. None of them is a request this
 * service could carry out, so each is refused or its connection is closed.
 */
function rawCase(method: string, path: string): fc.Arbitrary<HttpCase> {
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
