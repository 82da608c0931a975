import fc from 'fast-check'
import type { Json } from './json.ts'

/** Numbers at the edges of what JSON and JavaScript can hold. */
const weirdNumber = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '1',
    '101',
    '1.5',
    '0.1',
    '1e2',
    '1e-400',
    '1e309',
    '-1e400',
    '2147483648',
  ),
  fc.constantFrom(
    '4294967296',
    '9007199254740991',
    '9007199254740993',
    '1e21',
    '1000000000',
    '9'.repeat(400),
  ),
  fc.double().map(String),
  fc.integer().map(String),
)

/** What looks like a value and is none. */
const notJson = fc.constantFrom(
  'NaN',
  'Infinity',
  '-',
  '+1',
  '01',
  '.5',
  '1.',
  '0x1F',
  '1_000',
  "'a'",
  'undefined',
  'None',
)

export const weirdString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '2',
    '-1',
    'true',
    'null',
    '__proto__',
    'constructor',
    'toString',
    '../../etc/passwd',
  ),
  fc.constantFrom("'; DROP TABLE orders; --", '{{7*7}}', '<script>', '%00', '%s%n', '\r\nx: y', '\u202eabc'),
  fc.constantFrom(
    'BURGER',
    'burger ',
    'pizza\0',
    'sаlad',
    'é'.normalize('NFD'),
    '👩‍👩‍👧',
    'ﷺ'.repeat(50),
    'x'.repeat(5_000),
  ),
  fc.constantFrom(
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    'placed',
    'reserved',
  ),
)

/** A lone half of a surrogate pair is legal in JSON and no character. */
const escaped = fc.constantFrom(
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\u006eull"',
  '"\\/"',
  '"\\x41"',
  '"\\u12"',
)

const nested = fc
  .tuple(fc.integer({ min: 1, max: 4_000 }), fc.boolean())
  .map(([depth, isArray]) =>
    isArray ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  )

/** Anything in the place of anything. */
export const weirdValue: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('null', 'true', 'false', '[]', '{}', '""', '[1]', '{"a":1}') },
  { weight: 3, arbitrary: weirdNumber },
  { weight: 3, arbitrary: weirdString.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: escaped },
  { weight: 1, arbitrary: notJson },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
)

export const weirdKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    ' ',
    '0',
    'length',
  ),
  fc.constantFrom(
    'Item',
    'ITEM',
    'item ',
    'order_id',
    'status',
    'timestamp',
    'price',
    '$where',
    'a.b',
    'quantity[]',
  ),
  weirdString,
)

/** Bytes that are no UTF-8, control characters, marks of byte order. */
export const weirdBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
    Buffer.from([0xef, 0xbb, 0xbf]),
    Buffer.from([0xc3, 0x28]),
    Buffer.from([0xf8, 0xa1, 0xa1, 0xa1, 0xa1]),
    Buffer.from([0x1f, 0x8b, 0x08, 0x00]),
    Buffer.alloc(64),
  ),
)
