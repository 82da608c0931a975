import type { Logger } from '@lab/kit/log.ts'
import { type LogEntry, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { kafkaLog } from './kafka-log.ts'

function setup() {
  const lines: string[] = []
  const to = (level: string) => (_fields: object, message: string) => lines.push(`${level}: ${message}`)
  let now = 0
  const write = kafkaLog({ debug: to('debug'), warn: to('warn') } as unknown as Logger, () => now)()
  const entry = (level: number, message: string, more = {}) =>
    write({
      namespace: 'Connection',
      level,
      label: '',
      log: { timestamp: '', message, ...more },
    } as unknown as LogEntry)
  return { lines, entry, pass: (ms: number) => (now += ms) }
}

describe('log of kafkajs', () => {
  test('writes a cold coordinator at debug, though the library calls it an error', () => {
    const { lines, entry } = setup()

    entry(logLevel.ERROR, 'Response GroupCoordinator', { error: 'The group coordinator is not available' })

    expect(lines).toEqual(['debug: Response GroupCoordinator'])
  })

  test('writes a lost connection as a warning, once in ten seconds', () => {
    const { lines, entry, pass } = setup()

    entry(logLevel.ERROR, 'Connection error: ECONNREFUSED')
    entry(logLevel.ERROR, 'Connection error: ECONNREFUSED')
    pass(10_000)
    entry(logLevel.ERROR, 'Connection error: ECONNREFUSED')

    expect(lines.map((line) => line.slice(0, 5))).toEqual(['warn:', 'debug', 'warn:'])
  })
})
