import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PARTS_FILE } from '../wire/parts.ts'
import { runningParts } from './running.ts'

const part = (name: string) => ({
  name,
  style: 'a style',
  isTrio: false,
  services: { 'order-service': 'http://127.0.0.1:9' },
  servers: {},
})

describe('the parts that a command is about', () => {
  test('are those of the newest run that lives and says which run there', async () => {
    const [older, newer, none] = [await openRunDir(), await openRunDir(), await openRunDir()]
    onTestFinished(async () => {
      for (const run of [older, newer, none]) await run.close()
    })
    writeFileSync(join(older.path, PARTS_FILE), JSON.stringify([part('older')]))
    expect(runningParts({})).toEqual([part('older')])
    // Of one second both; the name of a run goes on with its process and a random number.
    const [first] = [older, newer].sort((a, b) => (a.id < b.id ? 1 : -1))
    writeFileSync(join(newer.path, PARTS_FILE), JSON.stringify([part('newer')]))

    expect(runningParts({})).toEqual([part(first === older ? 'older' : 'newer')])
  })

  test('are those of the brokers that are named, with their services where they are on their own', () => {
    const RABBITMQ_URL = 'amqp://127.0.0.1:5672/lab'
    const KAFKA_BROKERS = 'a:9092, b:9092'

    expect(runningParts({ RABBITMQ_URL })).toMatchObject([
      { name: 'async-rabbitmq', services: { 'order-service': 'http://127.0.0.1:8000' } },
    ])
    expect(runningParts({ RABBITMQ_URL, KAFKA_BROKERS, KAFKA_PREFIX: 'mine.' })).toMatchObject([
      {
        services: { 'order-service': 'http://127.0.0.1:8100' },
        servers: { rabbitmq: { amqpUrl: RABBITMQ_URL } },
      },
      {
        services: { 'producer-order': 'http://127.0.0.1:8200' },
        servers: { kafka: { brokers: ['a:9092', 'b:9092'], prefix: 'mine.' } },
      },
    ])
  })

  test('are refused with the reason when LIVE_PARTS is wrong', () => {
    expect(() => runningParts({ LIVE_PARTS: '[{"name":7}]' })).toThrow(/LIVE_PARTS: .*name/s)
    expect(() => runningParts({ LIVE_PARTS: 'no JSON' })).toThrow(/LIVE_PARTS/)
  })
})
