import fc from 'fast-check'
import type { Json } from './json.ts'

/** One of these words. */
export const oneOf = (words: string): fc.Arbitrary<string> => fc.constantFrom(...words.trim().split(/\s+/))

/** Numbers at the edges of what JSON and JavaScript can hold. */
const weirdNumber = fc.oneof(
  oneOf('0 -0 -1 1 101 1.5 0.1 1e2 1e-400 1e309 -1e400 2147483648'),
  oneOf(`4294967296 9007199254740991 9007199254740993 1e21 1000000000 ${'9'.repeat(400)}`),
  fc.double().map(String),
  fc.integer().map(String),
)

/** What looks like a value and is none. */
const notJson = oneOf("NaN Infinity - +1 01 .5 1. 0x1F 1_000 'a' undefined None")

export const weirdString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', ' ', '\0', '\r\nx: y', '\u202eabc', "'; DROP TABLE orders; --", 'burger ', 'pizza\0'),
  oneOf('2 -1 true null __proto__ constructor toString ../../etc/passwd {{7*7}} <script> %00 %s%n'),
  oneOf(`BURGER sаlad ${'é'.normalize('NFD')} 👩‍👩‍👧 ${'ﷺ'.repeat(50)} ${'x'.repeat(5_000)} placed reserved`),
  oneOf('00000000-0000-0000-0000-000000000000 ffffffff-ffff-ffff-ffff-ffffffffffff'),
)

/** A lone half of a surrogate pair is legal in JSON and no character. */
const escaped = oneOf(String.raw`"\ud800" "\udc00\ud800" "\u0000" "\u006eull" "\/" "\x41" "\u12"`)

const nested = fc
  .tuple(fc.integer({ min: 1, max: 4_000 }), fc.boolean())
  .map(([depth, isArray]) =>
    isArray ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  )

/** Anything in the place of anything. */
export const weirdValue: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: oneOf('null true false [] {} "" [1] {"a":1}') },
  { weight: 3, arbitrary: weirdNumber },
  { weight: 3, arbitrary: weirdString.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: escaped },
  { weight: 1, arbitrary: notJson },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
)

export const weirdKey = fc.oneof(
  oneOf('__proto__ constructor prototype toString hasOwnProperty 0 length'),
  oneOf('Item ITEM order_id status timestamp price $where a.b quantity[]'),
  fc.constantFrom('', ' ', 'item '),
  weirdString,
)

/** Bytes that are no UTF-8, control characters, marks of byte order. */
export const weirdBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  oneOf('fffe7b00 efbbbf c328 f8a1a1a1a1 1f8b0800').map((hex) => Buffer.from(hex, 'hex')),
  fc.constant(Buffer.alloc(64)),
)
