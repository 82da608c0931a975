import fc from 'fast-check'
import { type Body, mutatedBody, validBody } from '../json/mutate.ts'
import { compile, type Fits, hasByteOrderMark, parseBody, reachesPrototype } from '../json/oracle.ts'
import { type ValidOptions, validJson } from '../json/valid.ts'
import { weirdBytes } from '../json/weird.ts'
import type { Expected } from './case.ts'
import type { Route } from './document.ts'

/** A part of a request, what is odd about it, and what it alone would come to. */
export interface Piece<Value> {
  value: Value
  odd?: string
  expected: Expected
}

export interface BodyPiece {
  bytes: Buffer | null
  contentType: string | undefined
}

const plain = <Value>(value: Value): Piece<Value> => ({ value, expected: 'accepted' })

/** No service here reads a body of more; where exactly its limit is below that, it may choose. */
const SURELY_TOO_LARGE = 1024 * 1024
const SURELY_READ = 8 * 1024

export interface BodyPieces {
  good: fc.Arbitrary<Piece<BodyPiece>>
  odd: fc.Arbitrary<Piece<BodyPiece>>
}

export function bodyPieces(route: Route, options: ValidOptions): BodyPieces {
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
