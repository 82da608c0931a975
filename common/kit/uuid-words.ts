/** A UUID as 32-bit words. */
export const UUID_WORDS = 4

const LENGTH = 36
const DASH = 0x2d
const isDashAt = (at: number) => at === 8 || at === 13 || at === 18 || at === 23

/** Value of each ASCII hexadecimal digit, 255 for every other character. */
const DIGIT = new Uint8Array(128).fill(255)
for (let value = 0; value < 16; value++) {
  DIGIT[value.toString(16).charCodeAt(0)] = value
  DIGIT[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/**
 * Writes `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in either case, into the words that begin at `start`; answers false when
 * it is no UUID, and the words then mean nothing. Makes no garbage: it runs for every record of a replay.
 */
export function readUuid(uuid: string, words: Uint32Array, start = 0): boolean {
  if (uuid.length !== LENGTH) return false
  let [seen, word, digits] = [0, 0, 0]
  for (let at = 0; at < LENGTH; at++) {
    const code = uuid.charCodeAt(at)
    if (isDashAt(at)) {
      if (code !== DASH) return false
      continue
    }
    const digit = code < 128 ? (DIGIT[code] as number) : 255
    seen |= digit
    word = (word << 4) | digit
    if ((++digits & 7) === 0) words[start + (digits >> 3) - 1] = word
  }
  return seen < 16
}

/** A hash of the words of one UUID. All bits count: the first words of UUID v7 are a clock, and the ids of one run begin alike. */
export function hashUuid(words: Uint32Array): number {
  let hash = 0
  for (let at = 0; at < UUID_WORDS; at++) {
    hash = Math.imul(hash ^ (words[at] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** The UUID that was read into these words, in lower case. */
export function writeUuid(words: ArrayLike<number>): string {
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
