import { describe, expect, test } from 'vitest'
import { cellText, counted, formatNumber, measured } from './number.ts'

describe('a figure', () => {
  test.each([
    [0, '0'],
    [7, '7'],
    [1_000, '1,000'],
    [0.0123, '0.012'],
    [0.5, '0.50'],
    [9.999, '10.0'],
    [12.34, '12.3'],
    [99.97, '100'],
    [1_234.5, '1,235'],
    [-2.5, '-2.50'],
    [2e15, '2.00e+15'],
  ])('of %d reads %s', (value, text) => expect(formatNumber(value)).toBe(text))

  test('that was measured keeps its decimals when it happens to be whole', () => {
    expect([2, 20, 200, 2_000].map(measured)).toEqual(['2.00', '20.0', '200', '2,000'])
  })

  test('in a cell or a sentence is written the same way', () => {
    expect([cellText(1_000), cellText('1000'), cellText(undefined)]).toEqual(['1,000', '1000', ''])
    expect(counted(1_000, 'order')).toBe('1,000 orders')
  })
})
