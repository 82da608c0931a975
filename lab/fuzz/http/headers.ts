import fc from 'fast-check'
import type { Expected } from './case.ts'
import type { Piece } from './pieces.ts'

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
const SURELY_READ = 4_000

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

export const keyed = fc.oneof(
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
    const isDeciding = size > SURELY_READ || headers.some(([name]) => DECIDING.has(name))
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

export const oddHeader = fc.oneof(
  { weight: 4, arbitrary: oddKey },
  { weight: 6, arbitrary: oddHeaders },
  { weight: 1, arbitrary: manyHeaders },
)
