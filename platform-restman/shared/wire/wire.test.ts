import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromCents, Price, toCents } from './money.ts'
import { Email, text } from './text.ts'

test('a price of cents is the same after the wire', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999_999 }), (cents) => {
      const sent = JSON.parse(JSON.stringify(fromCents(cents)))
      return Price.safeParse(sent).success && toCents(sent) === cents
    }),
  )
  for (const wrong of [12.345, -0.01, 100_000, Number.NaN, '12.5', 1e-9, 0.1 + 0.2])
    expect(Price.safeParse(wrong).success, String(wrong)).toBe(false)
})

test('a text is one line of visible characters', () => {
  for (const fine of ["Robert'); drop table foods;--", '<b>Käse</b>', '{{7*7}}', '寿司 🍣 👨‍👩‍👧'])
    expect(text(80).safeParse(fine).data).toBe(fine)
  for (const wrong of ['', '   ', 'a\r\nBcc: b@example.com', 'nul\0', '\u202Egnp.exe', 'x'.repeat(81)])
    expect(text(80).safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
})

test('a mailbox has one spelling', () => {
  expect(Email.parse(' Ada@Example.COM ')).toBe('ada@example.com')
  for (const wrong of ['a@b', 'a@example.com, b@example.com', 'a@example.com\nBcc: b@example.com'])
    expect(Email.safeParse(wrong).success, wrong).toBe(false)
})
