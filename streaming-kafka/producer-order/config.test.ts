import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'

test('an order waits for every in-sync replica, unless an experiment asks for less', () => {
  expect(loadConfig({}).PRODUCER_ACKS).toBe('all')
  expect(loadConfig({ PRODUCER_ACKS: '0' }).PRODUCER_ACKS).toBe('0')
})
