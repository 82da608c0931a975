import { describe, expect, test } from 'vitest'
import { decompressLz4, decompressSnappy } from './decompress.ts'

const LIMIT = 1_000_000
const PLAIN = Array.from({ length: 40 }, (_, i) => `{"item":"burger","quantity":${i}}${'a'.repeat(24)}`).join(
  '',
)

/** `PLAIN` as the Java libraries that Kafka's own clients use compress it. */
const COMPRESSED = {
  lz4:
    'BCJNGHRAvfAAAAD/EHsiaXRlbSI6ImJ1cmdlciIsInF1YW50aXR5IjowfWEBAAQPNgAJHzE2ACIfMjYAIh8zNgAiHzQ2ACIfNTYA' +
    'Ih82NgAiHzc2ACIfODYAIh85NgAiHzEdAiQPHgIjHzEfAiMfMSACIx8xIQIjHzEiAiMfMSMCIx8xJAIjHzElAiMfMSYCIx8yJgIj' +
    'HzImAiMfMiYCIx8yJgIjHzImAiMfMiYCIx8yJgIjHzImAiMfMiYCIx8yJgIjHzMmAiMfMyYCIx8zJgIjHzMmAiMfMyYCIx8zJgIj' +
    'HzMmAiMfMyYCIx8zJgIjHzMmAgJQYWFhYWEWtMw+AAAAABNvD44=',
  snappy:
    'jhF4eyJpdGVtIjoiYnVyZ2VyIiwicXVhbnRpdHkiOjB9YVoBAG42AAAx0jYAADLSNgAAM9I2AAA00jYAADXSNgAANtI2AAA30jYA' +
    'ADjSNgAAOdI2AAAx2h0C1h4CADHWHwIAMdYgAgAx1iECADHWIgIAMdYjAgAx1iQCADHWJQIAMdYmAgAy1iYCADLWJgIAMtYmAgAy' +
    '1iYCADLWJgIAMtYmAgAy1iYCADLWJgIAMtYmAgAy1iYCADPWJgIAM9YmAgAz1iYCADPWJgIAM9YmAgAz1iYCADPWJgIAM9YmAgAz' +
    '1iYCADNmJgI=',
  xerial:
    'glNOQVBQWQAAAAABAAAAAQAAAIyACHh7Iml0ZW0iOiJidXJnZXIiLCJxdWFudGl0eSI6MH1hWgEAbjYAADHSNgAAMtI2AAAz0jYA' +
    'ADTSNgAANdI2AAA20jYAADfSNgAAONI2AAA50jYAADHaHQLWHgIAMdYfAgAx1iACADHWIQIAMdYiAgAx1iMCADHWJAI8MTh9YWFh' +
    'YWFhYWFhYWFhYQAAAIKACABhGQF4eyJpdGVtIjoiYnVyZ2VyIiwicXVhbnRpdHkiOjE5fRkpNgEAbjcABDIw1jcAADHWNwAAMtY3' +
    'AAAz1jcAADTWNwAANdY3AAA21jcAADfWNwAAONY3ANYmAgAz1iYCADPWJgIAM9YmAgAz1iYCADPWJgIAM9YmAgAzwiYCAAAAM44B' +
    'IGl0eSI6Mzd9YVoBAFh7Iml0ZW0iOiJidXJnZXIiLCJxdWFudAk3ADjWNwAAOWI3AA==',
}
const lz4 = Buffer.from(COMPRESSED.lz4, 'base64')
const snappy = Buffer.from(COMPRESSED.snappy, 'base64')
const xerial = Buffer.from(COMPRESSED.xerial, 'base64')

describe('what other producers compress', () => {
  test('with LZ4 is read, one frame or several, past frames that are to be skipped', () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1])

    expect(decompressLz4(lz4, LIMIT).toString()).toBe(PLAIN)
    expect(decompressLz4(Buffer.concat([lz4, skippable, lz4]), LIMIT).toString()).toBe(PLAIN + PLAIN)
  })

  test('with Snappy is read, bare and in the blocks of the Java library', () => {
    expect(decompressSnappy(snappy, LIMIT).toString()).toBe(PLAIN)
    expect(decompressSnappy(xerial, LIMIT).toString()).toBe(PLAIN)
  })

  test.each([
    ['lz4', decompressLz4, lz4],
    ['snappy', decompressSnappy, snappy],
    ['xerial', decompressSnappy, xerial],
  ] as const)(
    'and damaged (%s) ends in an error, never in a hang or in more than the limit',
    (_, decompress, whole) => {
      expect(() => decompress(whole, PLAIN.length - 1)).toThrow(`more than ${PLAIN.length - 1} bytes`)
      for (let length = 0; length < whole.length; length++)
        attempt(() => decompress(whole.subarray(0, length), LIMIT))
      for (let at = 0; at < whole.length; at++) {
        for (const value of [0x00, 0x01, 0x7f, 0xff]) {
          const damaged = Buffer.from(whole)
          damaged[at] = value
          attempt(() => decompress(damaged, LIMIT))
        }
      }
    },
  )
})

/** Some damage is not seen here, since checksums are the broker's; all that is seen is a `RangeError`. */
function attempt(decompress: () => Buffer): void {
  try {
    expect(decompress().length).toBeLessThanOrEqual(LIMIT)
  } catch (err) {
    expect(err).toBeInstanceOf(RangeError)
  }
}
