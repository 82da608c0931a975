import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

/** Bit by bit, as the polynomial has it. */
function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

test('the checksum of bytes of any length, from anywhere, is what it is bit by bit', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283) // the check value of CRC-32/ISCSI in every catalogue
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, start) => {
      expect(crc32c(Buffer.from(bytes), start)).toBe(bitByBit(bytes.subarray(start)))
    }),
  )
})
