import { describe, expect, test } from 'vitest'
import { renderTable } from './table.ts'

const latencies = {
  title: 'Latency of sequential orders',
  columns: ['orders', 'mean ms', 'p99 ms', 'remark'],
  rows: [
    [20, '4.10', 'n/a (n=20)', 'cold'],
    [1000, '12.3', '104', 'warm'],
  ],
}

describe('renderTable', () => {
  test('aligns numbers right and text left, under a rule as wide as the columns', () => {
    expect(renderTable(latencies).split('\n')).toEqual([
      'Latency of sequential orders',
      '  orders  mean ms      p99 ms  remark',
      '  ──────  ───────  ──────────  ──────',
      '      20     4.10  n/a (n=20)  cold',
      '   1,000     12.3         104  warm',
    ])
  })

  test.each([80, 100])('stays within %i columns by wrapping text at blanks', (width) => {
    const words = 'an order that ran into the time-out is settled once the inventory service has answered '
    const rendered = renderTable(
      { title: 'Long', columns: ['n', 'one', 'two'], rows: [[1, words.repeat(2), words]] },
      { width },
    )

    const lines = rendered.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines.length).toBeGreaterThan(4)
    const seen = lines.slice(3).join(' ').split(/\s+/).filter(Boolean)
    expect(seen.toSorted()).toEqual(`1 ${words.repeat(3)}`.trim().split(' ').toSorted())
  })

  test('breaks a word that is longer than its column and loses none of it', () => {
    const word = 'x'.repeat(150)

    const lines = renderTable({ title: 'Word', columns: ['word'], rows: [[word]] }, { width: 80 }).split('\n')

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines.slice(3).join('').replaceAll(' ', '')).toBe(word)
  })

  test('keeps numbers whole when there is no room', () => {
    const columns = Array.from({ length: 12 }, (_, at) => `c${at}`)
    const rows = [columns.map(() => 1_000_000_000)]

    expect(renderTable({ title: 'Wide', columns, rows }, { width: 80 })).toContain(
      '1,000,000,000  1,000,000,000',
    )
  })

  test('shows the head of a table without rows, and empty cells of a short row', () => {
    expect(renderTable({ title: 'None', columns: ['a', 'b'], rows: [] })).toBe('None\n  a  b\n  ─  ─')
    expect(renderTable({ title: 'Short', columns: ['a', 'b'], rows: [['x']] })).toContain('\n  x')
  })
})
