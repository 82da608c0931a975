import { expect, test } from 'vitest'
import { nearest, patternOf } from './near.ts'

const parts = ['sync-rest', 'async-rabbitmq', 'streaming-kafka']

test.each([
  ['brokrs', ['list', 'run', 'brokers'], 'brokers'],
  ['rnu', ['list', 'run', 'up'], 'run'],
  ['quikc', ['quick', 'full'], 'quick'],
  ['--josn', ['--json', '--out'], '--json'],
  ['RUN', ['list', 'run'], 'run'],
  ['sync', parts, 'sync-rest'],
  ['kafka', parts, 'streaming-kafka'],
  ['sync-rset', parts, 'sync-rest'],
  ['banana', ['list', 'run', 'up', 'brokers', 'report', 'compare', 'prove'], undefined],
  ['--verbose-errors', ['--json', '--profile'], undefined],
  ['x', ['up', 'run'], undefined],
  ['thruput', ['throughput', 'fuzz'], 'throughput'],
  ['', ['up', 'run'], undefined],
  ['platform-restman/nope', ['platform-restman/mail'], undefined],
  ['platform-restman/mial', ['platform-restman/mail'], 'platform-restman/mail'],
])('of %j, the nearest of %j is %j', (word, known, near) => {
  expect(nearest(word, known)).toBe(near)
})

test.each([
  ['rest-*', 'rest-delay', true],
  ['rest-*', 'a rest-delay', false],
  ['*-delay', 'rest-delay', true],
  ['rest', 'rest-delay', false],
  ['re.t', 'rest', false],
  ['a*(b)', 'a × (b)', true],
])('the pattern %j, held against %j, fits: %j', (pattern, text, fits) => {
  expect(patternOf(pattern).test(text)).toBe(fits)
})
