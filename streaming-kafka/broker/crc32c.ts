/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78
const SLICES = 16

/** `TABLES[n * 256 + byte]`: what a byte does to the checksum, n bytes later. */
const TABLES = new Int32Array(SLICES * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) {
  const before = TABLES[at - 256] as number
  TABLES[at] = (before >>> 8) ^ (TABLES[before & 0xff] as number)
}
const ofByte = (slice: number, byte: number) => TABLES[slice * 256 + (byte & 0xff)] as number

/** What four bytes do, the last of which has `slice` bytes behind it. */
const ofWord = (slice: number, word: number) =>
  ofByte(slice + 3, word) ^
  ofByte(slice + 2, word >>> 8) ^
  ofByte(slice + 1, word >>> 16) ^
  ofByte(slice, word >>> 24)

/**
 * CRC-32C of `bytes` from `start` on, which is not the CRC of `node:zlib`. Sixteen bytes a step, after Kounavis and Berry,
 * "A systematic approach to building high performance software-based CRC generators" (2005).
 */
export function crc32c(bytes: Buffer, start = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let crc = 0xffffffff
  let at = start
  for (; at + SLICES <= bytes.length; at += SLICES) {
    const before = ofWord(12, crc ^ view.getInt32(at, true)) ^ ofWord(8, view.getInt32(at + 4, true))
    crc = before ^ ofWord(4, view.getInt32(at + 8, true)) ^ ofWord(0, view.getInt32(at + 12, true))
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ ofByte(0, crc ^ (bytes[at] as number))
  return (crc ^ 0xffffffff) >>> 0
}
