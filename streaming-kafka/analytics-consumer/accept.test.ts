import { describe, expect, test } from 'vitest'
import { prefersText } from './accept.ts'

describe('GET /metrics of analytics-consumer', () => {
  test.each([
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/plain', true],
    ['text/plain;q=0.5, application/json', false],
    ['application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', true],
    ['text/html,application/xhtml+xml,*/*;q=0.8', false],
  ])('answers text to accept: %s: %s', (accept, isText) => {
    expect(prefersText(accept)).toBe(isText)
  })
})
