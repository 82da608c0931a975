/**
 * A seeded source of numbers in [0, 1): the same seed gives the same sequence on every machine. sfc32 of Chris
 * Doty-Humphrey's PractRand (public domain), 128 bits of state in three numbers and a counter. Not for secrets.
 */
export function createRandom(seed: number): () => number {
  let a = 0
  let b = 0x9e3779b9 | 0
  let c = seed | 0
  let counter = 1
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return (t >>> 0) / 2 ** 32
  }
  // Twelve rounds, as its author seeds it: by then the seed has reached all of the state.
  for (let round = 0; round < 12; round++) next()
  return next
}
