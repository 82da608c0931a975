import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SetDigest } from './set-digest.ts'

const element = fc.array(fc.nat(3), { minLength: 3, maxLength: 3 })

const digestOf = (elements: number[][]) => {
  const digest = new SetDigest()
  for (const words of elements) digest.add(Uint32Array.from(words))
  return String(digest)
}

test('is the same in any order, and another for every other multiset', () => {
  const elements = fc.array(element, { maxLength: 6 })
  const sorted = (of: number[][]) => of.map(String).sort().join(';')
  fc.assert(
    fc.property(elements, elements, (one, other) => {
      expect(digestOf(one.toReversed())).toBe(digestOf(one))
      expect(digestOf(one) === digestOf(other)).toBe(sorted(one) === sorted(other))
    }),
  )
})

test('is different for each of a hundred thousand elements that differ in little', () => {
  const seen = new Set<string>()
  for (let n = 0; n < 100_000; n++) seen.add(digestOf([[0, n >>> 8, n & 255]]))

  expect(seen.size).toBe(100_000)
})

test('changes about half of its bits with one bit of an element', () => {
  const bits = (text: string) =>
    text
      .split('/')
      .map((word) => Number(word).toString(2).padStart(32, '0'))
      .join('')
  const base = [7, 11, 13]
  for (let bit = 0; bit < 96; bit++) {
    const changed = base.map((word, at) => (at === bit >> 5 ? (word ^ (1 << (bit & 31))) >>> 0 : word))
    const [one, other] = [bits(digestOf([base])), bits(digestOf([changed]))]
    const flipped = [...one].filter((digit, at) => digit !== other[at]).length
    expect(flipped, `bit ${bit}`).toBeGreaterThan(32)
    expect(flipped, `bit ${bit}`).toBeLessThan(96)
  }
})
