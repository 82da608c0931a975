import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestRun } from '../fixtures/lab.ts'
import { requireRoom } from '../room.ts'
import type { KafkaBroker } from './kafka/broker.ts'
import { troubleOf } from './trouble.ts'

const kafka: KafkaBroker = {
  kind: 'kafka',
  brokers: ['127.0.0.1:29092'],
  prefix: '',
  version: '4.3.1',
  origin: 'local',
  close: async () => {},
}

test.each([
  [
    'the first of the errors that a full disk brings',
    'INFO Kafka Server started\nERROR Error while appending: java.io.IOException: No space left on device\nERROR Shutdown broker because all log dirs in /tmp/x have failed',
    'Kafka says: ERROR Error while appending: java.io.IOException: No space left on device',
  ],
  [
    'that its folders have failed',
    'ERROR Shutdown broker because all log dirs in /tmp/x have failed (kafka.log.LogManager)',
    'Kafka says: ERROR Shutdown broker because all log dirs in /tmp/x have failed (kafka.log.LogManager)',
  ],
  ['nothing while all is well', 'INFO Kafka Server started', undefined],
])('of Kafka, its log tells %s', async (_, log, trouble) => {
  const run = await openTestRun()
  writeFileSync(join(run.path, 'logs', 'kafka-29092.log'), `${log}\n`)

  expect(await troubleOf(kafka, run)).toBe(trouble)
})

test('of Kafka, nothing is known without a log', async () => {
  expect(await troubleOf(kafka, await openTestRun())).toBeUndefined()
})

test('a disk without room for a broker is named before it starts, with what to do', async () => {
  const { path } = await openTestRun()

  await requireRoom(path, 'Kafka', 1)
  await expect(requireRoom(path, 'Kafka', 1e18)).rejects.toThrow(
    /only \d+ MB are free in .*, and Kafka needs 1000000000000: make room, or set TMPDIR/,
  )
})
