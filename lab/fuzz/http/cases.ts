import { METHODS as ALL_METHODS } from 'node:http'
import fc from 'fast-check'
import { type Body, mutatedBody, sometimes, type ValidOptions, validBody, validJson } from '../generate.ts'
import { compile, type Fits, hasByteOrderMark, parseBody, reachesPrototype } from '../json.ts'
import { oneOf, weirdBytes, weirdString } from '../weird.ts'
import type { Parameter, Route } from './document.ts'
import type { Expected, HttpCase } from './exchange.ts'

/** Without the one that asks for a tunnel. */
const METHODS = ALL_METHODS.filter((method) => method !== 'CONNECT')

interface CaseOptions extends ValidOptions {
  /** All routes of the service: a wrong method may be the right one of another route. */
  routes: Route[]
}

/** A part of a request, what is odd about it, and what it alone would come to. */
interface Piece<Value> {
  value: Value
  odd?: string
  expected: Expected
}

interface Pieces {
  body: Piece<{ bytes: Buffer | null; contentType: string | undefined }>
  path: Piece<string>
  method: Piece<string>
  headers: Piece<Headers>
}

type Headers = [name: string, value: string][]
type Drawn<Part extends keyof Pieces> = fc.Arbitrary<Pieces[Part]>
type BodyPiece = Pieces['body']

/** The requests of one route: a third as documented, the others with one thing odd, some with two. */
export function routeCases(route: Route, options: CaseOptions): fc.Arbitrary<HttpCase> {
  const body = bodyPieces(route, options)
  const good = {
    body: body.good,
    path: goodPath(route, options),
    method: fc.constant(accepted(route.method)),
    headers: (route.method === 'POST' ? keys : fc.constant<Headers>([])).map(accepted<Headers>),
  }
  const odd = {
    body: body.odd,
    path: oddPath(route, good.path),
    method: oddMethod(route, options),
    headers: oddHeader,
  }
  const made = (weight: number, ...parts: (keyof Pieces)[]) => ({
    weight,
    arbitrary: fc
      .record({ ...good, ...Object.fromEntries(parts.map((part) => [part, odd[part]])) })
      .map(requestOf),
  })
  return fc.oneof(
    made(30),
    made(route.body ? 40 : 6, 'body'),
    made(filledIn(route).length > 0 ? 20 : 6, 'path'),
    made(5, 'method'),
    made(10, 'headers'),
    made(3, 'body', 'headers'),
    made(2, 'path', 'method'),
    { weight: 1, arbitrary: rawCase(route) },
  )
}

/** Requests for what is not there: any path and any method. */
export function strayCases(): fc.Arbitrary<HttpCase> {
  const segment = fc.oneof(weirdSegment, oneOf('docs static json admin orders order'))
  const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
  const pieces = {
    body: fc.oneof(fc.constant(accepted(NO_BODY)), needless),
    path: path.map((value) => either(value)),
    method: fc.constantFrom(...METHODS).map((value) => either(value)),
    headers: fc.oneof(fc.constant(accepted<Headers>([])), oddHeader),
  }
  return fc.record(pieces).map((drawn) => ({ ...requestOf(drawn), kind: 'no such route' }))
}

const accepted = <Value>(value: Value): Piece<Value> => ({ value, expected: 'accepted' })
const either = <Value>(value: Value, odd = ''): Piece<Value> => ({ value, expected: 'either', odd })

function requestOf({ body, path, method, headers }: Pieces): HttpCase {
  const odd = [body, path, method, headers].flatMap((piece) => piece.odd || [])
  const { bytes, contentType } = body.value
  const typed: Headers = contentType === undefined ? [] : [['content-type', contentType]]
  return {
    kind: odd.length === 0 ? 'as documented' : odd.join(' + '),
    method: method.value,
    path: path.value,
    headers: [...typed, ...headers.value],
    body: bytes,
    expected: together({ body, path, method, headers }),
  }
}

/** A path that is another one, or a method that has another meaning, leaves nothing for sure. */
function together({ body, path, method, headers }: Pieces): Expected {
  if (path.expected === 'either' || method.expected === 'either') return 'either'
  if (method.expected === 'refused' || body.expected === 'refused') return 'refused'
  return body.expected === 'accepted' && headers.expected === 'accepted' ? 'accepted' : 'either'
}

function oddMethod(route: Route, { routes }: CaseOptions): Drawn<'method'> {
  const known = new Set(routes.filter(({ path }) => path === route.path).map(({ method }) => method))
  const others = METHODS.filter((method) => method !== route.method)
  return fc.constantFrom(...others).map((value) => ({
    value,
    odd: `method: ${value}`,
    // Whoever answers GET may answer HEAD and OPTIONS too.
    expected: known.has(value) || value === 'HEAD' || value === 'OPTIONS' ? 'either' : 'refused',
  }))
}

const NO_BODY = { bytes: null, contentType: undefined }

function bodyPieces(route: Route, options: ValidOptions): Record<'good' | 'odd', Drawn<'body'>> {
  if (!route.body) return { good: fc.constant(accepted(NO_BODY)), odd: needless }
  const fits = compile(route.body, route.components)
  const valid = validJson(route.body, options)
  const json = (body: Body): BodyPiece => ({
    value: { bytes: body.bytes, contentType: 'application/json' },
    expected: expectedOf(body.bytes, fits),
    ...(body.change !== 'valid' && { odd: `body: ${body.change}` }),
  })
  const good = validBody(valid).map(json)
  const retyped = fc.tuple(good, contentType).map(
    ([{ value }, { type, expected }]): BodyPiece => ({
      value: { ...value, contentType: type },
      expected,
      odd: `content-type: ${type ?? 'none'}`,
    }),
  )
  const missing = fc.constantFrom(undefined, 'application/json').map(
    (type): BodyPiece => ({
      value: { bytes: null, contentType: type },
      expected: 'refused',
      odd: 'body: none',
    }),
  )
  return {
    good,
    odd: fc.oneof(
      { weight: 16, arbitrary: mutatedBody(valid).map(json) },
      { weight: 3, arbitrary: retyped },
      { weight: 1, arbitrary: missing },
    ),
  }
}

/** No service here reads a body of more; where exactly its limit is below that, it may choose. */
const SURELY_TOO_LARGE = 1024 * 1024
const SURELY_READ = 8 * 1024

function expectedOf(bytes: Buffer, fits: Fits): Expected {
  if (bytes.length > SURELY_TOO_LARGE) return 'refused'
  const value = parseBody(bytes)
  if (value === undefined || reachesPrototype(value) || !fits(value)) return 'refused'
  return hasByteOrderMark(bytes) || bytes.length > SURELY_READ ? 'either' : 'accepted'
}

const jsonType = oneOf(`
  application/json;charset=utf-8 application/json;charset=utf-16 application/json; application/json;q=1
  APPLICATION/JSON application/json,text/plain application/cloudevents+json`)
const otherType = oneOf(`
  text/plain text/json application/xml application/jsonp application/x-www-form-urlencoded
  multipart/form-data;boundary=x application json */* / ;`)

const contentType = fc.oneof(
  jsonType.map((type) => ({ type, expected: 'either' as const })),
  fc
    .oneof({ weight: 5, arbitrary: otherType }, fc.constantFrom(undefined, ' '))
    .map((type) => ({ type, expected: 'refused' as const })),
)

/** Where no body is asked for, one may be ignored or refused. */
const needless: Drawn<'body'> = fc
  .tuple(
    fc.oneof(
      weirdBytes,
      fc.constantFrom('{}', '[]', 'x', '{', '{"a":1}', ' '.repeat(20_000)).map((text) => Buffer.from(text)),
    ),
    fc.constantFrom(undefined, 'application/json', 'text/plain', 'application/octet-stream'),
  )
  .map(([bytes, type]) => either({ bytes, contentType: type }, 'body: needless'))

const filledIn = ({ parameters }: Route) => parameters.filter((parameter) => parameter.in !== 'header')

/** The path with its parameters filled in, and the query that is documented. */
function goodPath(route: Route, options: ValidOptions): Drawn<'path'> {
  const value = ({ schema }: Parameter) =>
    fc.oneof(...options.ids.map((id) => fc.constant(id)), fc.uuid(), validText(schema, options))
  const filled = filledIn(route)
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
  oneOf('% %zz %00 %c3%28 %2e%2e%2f .. . %2f %5c * ;a=b :id {id} %ff%fe'),
  oneOf(`~ ! $& ' ( @ [] | ^ \` \u00e9 \u00ff ${'x'.repeat(101)} ${'x'.repeat(3_000)}`),
)

function oddPath({ path }: Route, good: Drawn<'path'>): Drawn<'path'> {
  const filled = good.map(({ value }) => value)
  const segment = weirdSegment.map((text) => path.replace(/\{\w+\}|[^/]+$/, () => text))
  const longer = fc.tuple(filled, weirdSegment).map((parts) => parts.join('/'))
  const asking = fc
    .tuple(filled, query)
    .map(([value, text]) => `${value}${value.includes('?') ? '&' : '?'}${text}`)
  const tailed = fc.tuple(filled, oneOf('/ // #x ;x %20 ? ?? /.')).map((parts) => parts.join(''))
  return fc.oneof(
    segment.map((value) => either(value, 'path: segment')),
    longer.map((value) => either(value, 'path: longer')),
    asking.map((value) => either(value, 'query')),
    filled.map((value) => either(value.toUpperCase(), 'path: upper case')),
    tailed.map((value) => either(value, 'path: tail')),
  )
}

const queryName = fc.oneof(oneOf('group group[] __proto__ a[b][c] limit'), fc.constant(''), weirdSegment)
const query = fc
  .array(
    fc.tuple(queryName, weirdSegment).map((pair) => pair.join('=')),
    { minLength: 1, maxLength: 4 },
  )
  .map((pairs) => pairs.join('&').replaceAll('?', '%3F'))

const textOf = (min: number, max: number, maxLength: number) =>
  fc.string({ unit: fc.integer({ min, max }).map((code) => String.fromCharCode(code)), maxLength })

/** What a client library lets through; the rest is for the raw requests. */
const headerText = fc
  .oneof(
    textOf(0x20, 0x7e, 300),
    textOf(0xa0, 0xff, 50),
    oneOf(`null 0 * */* ,,, " ${'a'.repeat(255)} ${'a'.repeat(256)} ${'x'.repeat(4_000)}`),
    fc.constant(''),
  )
  .map((text) => text.trim())

/** They may decide who is let in. */
const DECIDING = `
  authorization origin accept-version content-encoding x-forwarded-for x-forwarded-host x-real-ip forwarded
  sec-fetch-site`
const headerName = oneOf(`${DECIDING}
  traceparent tracestate x-request-id correlation-id accept accept-encoding accept-language range prefer
  if-none-match if-match if-modified-since cookie referer user-agent te x-forwarded-proto
  x-http-method-override content-language content-disposition cache-control access-control-request-method
  max-forwards priority __proto__`)

/** Headers that are larger together may be too large for a service. */
const HEADERS_SURELY_READ = 4_000

const KEY = /^[\x21-\x7e]{1,255}$/
const keyed = (key: string): Headers => [['idempotency-key', key]]

/** Keys come again, with the same order and with others. */
const goodKey = fc
  .oneof(
    fc.integer({ min: 0, max: 400 }).map((number) => `fuzz-${number}`),
    fc.uuid(),
    fc.stringMatching(KEY),
  )
  .map(keyed)

const keys = sometimes<Headers>(goodKey, [], 3)

const oddKey = headerText.map(
  (key): Piece<Headers> => ({
    value: keyed(key),
    odd: 'header: idempotency-key',
    expected: KEY.test(key) ? 'accepted' : 'either',
  }),
)

const oddHeaders = fc
  .array(fc.tuple(headerName, headerText), { minLength: 1, maxLength: 6 })
  .map((value): Piece<Headers> => {
    const names = value.map(([name]) => name)
    const isDeciding =
      value.flat().join('').length > HEADERS_SURELY_READ ||
      names.some((name) => DECIDING.split(/\s+/).includes(name))
    return {
      value,
      odd: `header: ${names.join(', ')}`.slice(0, 60),
      expected: isDeciding ? 'either' : 'accepted',
    }
  })

const manyHeaders = fc
  .tuple(fc.integer({ min: 10, max: 300 }), fc.integer({ min: 1, max: 200 }))
  .map(([length, size]) =>
    either(
      Array.from({ length }, (_, at): Headers[number] => [`x-many-${at}`, 'y'.repeat(size)]),
      'header: many',
    ),
  )

const oddHeader: Drawn<'headers'> = fc.oneof(
  { weight: 4, arbitrary: oddKey },
  { weight: 6, arbitrary: oddHeaders },
  { weight: 1, arbitrary: manyHeaders },
)

/** Node reads a line without a version as HTTP/1.0. */
const TAKEN = 'no version'

const HOST = 'Host: lab\r\n'

/**
 * Requests that no client library would write: broken framing, smuggling, half a request. None of them is a request this
 * service could carry out, so each is refused or its connection is closed.
 */
function rawCase({ method, path }: Route): fc.Arbitrary<HttpCase> {
  const head = `${method} ${path} HTTP/1.1\r\n${HOST}`
  const post = `POST ${path} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`
  const json = `${head}Content-Type: application/json\r\n`
  const texts: Record<string, string> = {
    'no host': `${method} ${path} HTTP/1.1\r\n\r\n`,
    'two lengths': `${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    'length and chunks': `${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'negative length': `${json}Content-Length: -1\r\n\r\n{}`,
    'length of letters': `${json}Content-Length: abc\r\n\r\n{}`,
    'broken chunk': `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    'chunk without end': `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n`,
    'unknown coding': `${post}Transfer-Encoding: gzip\r\n\r\n{}`,
    'space in a name': `${head}Bad Name: x\r\n\r\n`,
    'folded header': `${head}X-A: b\r\n c\r\n\r\n`,
    'control character': `${head}X-A: \x01\x00\r\n\r\n`,
    'huge header': `${head}X-A: ${'a'.repeat(70_000)}\r\n\r\n`,
    'huge path': `${method} ${path}?${'a'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n`,
    'unknown method': `BREW ${path} HTTP/1.1\r\n${HOST}\r\n`,
    [TAKEN]: `${method} ${path}\r\n\r\n`,
    'other version': `${method} ${path} HTTP/9.9\r\n${HOST}\r\n`,
    'not HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'no authority': `CONNECT ${path} HTTP/1.1\r\n${HOST}\r\n`,
    expectation: `${head}Expect: the-unexpected\r\n\r\n`,
  }
  const named = fc.constantFrom(...Object.entries(texts)).map(([kind, text]) => ({ kind, text }))
  const noise = weirdBytes.map((bytes) => ({ kind: 'noise', text: `${bytes.toString('latin1')}\r\n\r\n` }))
  return fc.oneof({ weight: 8, arbitrary: named }, { weight: 1, arbitrary: noise }).map(({ kind, text }) => ({
    kind: `raw: ${kind}`,
    method,
    path,
    headers: [],
    body: null,
    expected: kind === TAKEN ? 'either' : 'refused',
    raw: Buffer.from(text, 'latin1'),
  }))
}
