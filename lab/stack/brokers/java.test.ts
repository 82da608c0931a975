import { describe, expect, test } from 'vitest'
import { parseJavaMajor } from './java.ts'

describe('version of Java', () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['openjdk version "25-ea" 2025-09-16', 25],
    ['java version "1.8.0_402"', 8],
    ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
  ])('reads %s', (output, major) => {
    expect(parseJavaMajor(output)).toBe(major)
  })
})
