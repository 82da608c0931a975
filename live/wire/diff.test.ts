import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, readable } from './diff.ts'

const line = fc.constantFrom('a', 'b', 'c', '')
const text = fc.array(line, { minLength: 1, maxLength: 12 }).map((lines) => lines.join('\n'))
const side = (signs: string, lines: ReturnType<typeof diffLines>) =>
  lines
    .filter(({ sign }) => signs.includes(sign))
    .map(({ text }) => text)
    .join('\n')

describe('a difference', () => {
  test('holds both texts, whatever they are', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        expect([side(' -', lines), side(' +', lines)]).toEqual([before, after])
      }),
    )
  })

  test('is the member that changed, and no more', () => {
    const lines = diffLines(readable('{"a":1,"b":2}'), readable('{"a":1,"b":3}'))
    expect(lines.filter(({ sign }) => sign !== ' ')).toEqual([
      { sign: '-', text: '  "b": 2' },
      { sign: '+', text: '  "b": 3' },
    ])
  })

  test('of what is no JSON is of its lines', () => {
    expect(readable('no {json')).toBe('no {json')
  })
})
