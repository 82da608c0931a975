import fc from 'fast-check'
import type { ValidOptions } from '../json/valid.ts'
import type { Expected, HttpCase } from './case.ts'
import type { Route } from './document.ts'
import { type Headers, keyed, oddHeader } from './headers.ts'
import { goodPath, oddPath, weirdSegment } from './paths.ts'
import { type BodyPiece, bodyPieces, type Piece } from './pieces.ts'
import { rawCase } from './raw-cases.ts'

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

export interface CaseOptions extends ValidOptions {
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
