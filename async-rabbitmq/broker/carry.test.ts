import { createRequire } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { carried, fits } from './carry.ts'

/** amqplib exports no codec, and it is the codec that the headers have to pass. */
const require = createRequire(import.meta.url)
const { encodeTable } = require(join(require.resolve('amqplib'), '../lib/codec.js')) as {
  encodeTable: (buffer: Buffer, table: object, offset: number) => number
}

/** Written as amqplib writes the properties of a message; throws what it throws. */
const write = (headers: Record<string, unknown>) => encodeTable(Buffer.alloc(64 * 1024), headers, 0)

describe('headers that a copy carries', () => {
  test('are as they were when they are plain', () => {
    const headers = {
      text: 'a',
      count: 3,
      flag: true,
      nothing: null,
      list: [1, 'b'],
      table: { a: { b: 'c' } },
    }

    expect(carried(headers)).toEqual(headers)
  })

  test.each([
    { what: 'a double far below zero', headers: { n: -1e300 } },
    { what: 'no number', headers: { n: Number.NaN } },
    { what: 'a table that looks like a type', headers: { a: { '!': 'colour', value: 1 } } },
    { what: 'a name that has grown', headers: { ['\ufffd'.repeat(200)]: 1 } },
    { what: 'more than the buffer takes', headers: { a: 'x'.repeat(70_000), b: 1 } },
  ])('can be written where amqplib refuses: $what', ({ headers }) => {
    expect(() => write(headers)).toThrow()

    expect(() => write(carried(headers))).not.toThrow()
  })

  test('can be written, whatever they were', () => {
    const name = fc.oneof(fc.string({ maxLength: 300 }), fc.constantFrom('!', '__proto__', 'value'))
    const scalar = fc.oneof(fc.string(), fc.double(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null))
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        scalar,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(name, tie('value'), { maxKeys: 5 }),
      ),
    }))

    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        expect(() => write(carried(headers))).not.toThrow()
      }),
    )
  })
})

test('a property fits unless its text has grown beyond 255 bytes or its number is none', () => {
  expect(['', 'a'.repeat(255), 7, undefined].map(fits)).toEqual([true, true, true, true])
  expect(['a'.repeat(256), '\ufffd'.repeat(100), 2 ** 60].map(fits)).toEqual([false, false, false])
})
