import { describe, expect, test } from 'vitest'
import { isFailure } from './finding.ts'
import { plant } from './plant.ts'
import { checkSizes } from './sizes.ts'

const lines = (count: number) => 'export {}\n'.repeat(count)

describe('sizes', () => {
  test('refuse a file of 301 lines and accept one of 300', () => {
    using planted = plant({ 'common/long.ts': lines(301), 'common/full.ts': lines(300) })

    const failures = checkSizes(planted.root).filter(isFailure)

    expect(failures).toEqual([{ file: 'common/long.ts', message: '301 lines: above 300' }])
  })

  test('note a file to review, a long function, the median and the 90th percentile', () => {
    const long = `export function a() {\n${'  a()\n'.repeat(40)}}\n`
    using planted = plant({ 'common/a.ts': lines(201), 'common/b.ts': lines(10), 'common/c.ts': long })

    const findings = checkSizes(planted.root)

    expect(findings.filter(isFailure)).toEqual([])
    expect(findings.map(({ message }) => message)).toEqual([
      '201 lines: which thought could leave?',
      '1 functions above 40 lines; longest: common/c.ts:1 (42)',
      '3 files; sources: median 42 lines, p90 201, longest 201',
    ])
  })
})
