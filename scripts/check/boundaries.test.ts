import { describe, expect, test } from 'vitest'
import { checkBoundaries } from './boundaries.ts'
import { plant } from './plant.ts'

const manifest = (...names: string[]) =>
  JSON.stringify({ type: 'module', dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])) })

/** One planted file, beside manifests that declare everything a table row can speak of. */
function findings(file: string, source: string): string[] {
  const all = manifest('amqplib', 'kafkajs', 'fastify', 'zod', 'pino', 'undici')
  using planted = plant({
    'package.json': JSON.stringify({ type: 'module', devDependencies: { vitest: '1.0.0' } }),
    ...Object.fromEntries(
      ['kit', 'stack', 'common', 'sync-rest', 'async-rabbitmq', 'streaming-kafka', 'lab'].map((name) => [
        `${name}/package.json`,
        all,
      ]),
    ),
    [file]: source,
  })
  return checkBoundaries(planted.root).map(({ file: place, line, message }) => `${place}:${line} ${message}`)
}

describe('boundaries refuse', () => {
  test.each([
    [
      'a broker client in a service',
      'async-rabbitmq/order-service/app.ts',
      `import { connect } from 'amqplib'`,
    ],
    [
      'the other broker in a broker folder',
      'async-rabbitmq/broker/connect.ts',
      `import { Kafka } from 'kafkajs'`,
    ],
    [
      'a type of a broker client',
      'streaming-kafka/producer-order/app.ts',
      `import type { Kafka } from 'kafkajs'`,
    ],
    ['a type import expression', 'kit/http.ts', `export type Channel = import('amqplib').Channel`],
    ['a dynamic import', 'lab/load/run.ts', `export const kafka = await import('kafkajs')`],
    ['a re-export', 'common/testing/kafka.ts', `export * from 'kafkajs'`],
    [
      'a sibling service',
      'sync-rest/order-service/app.ts',
      `import { stock } from '../inventory-service/stock.ts'`,
    ],
    ['a service from a test', 'sync-rest/tests/a.test.ts', `import { app } from '../order-service/app.ts'`],
    [
      'another part',
      'sync-rest/order-service/app.ts',
      `import { x } from '@lab/async-rabbitmq/broker/topology.ts'`,
    ],
    ['a part in the lab', 'stack/part.ts', `import { x } from '@lab/sync-rest/order-service/app.ts'`],
    ['transport in the domain', 'common/domain/order.ts', `import { createServer } from 'node:http'`],
    [
      'a relative path into another workspace',
      'lab/load/run.ts',
      `import { newId } from '../../common/ids.ts'`,
    ],
    ['an undeclared package', 'kit/log.ts', `import winston from 'winston'`],
    ['an unprefixed built-in', 'lab/load/run.ts', `import { readFile } from 'fs'`],
    ['the process as a module', 'lab/load/run.ts', `import { env } from 'node:process'`],
    ['the environment in an app', 'sync-rest/order-service/app.ts', `export const port = process.env.PORT`],
    ['the environment under another name', 'lab/load/run.ts', `export const { env } = process`],
    ['the environment by index', 'kit/log.ts', `export const env = globalThis.process['env']`],
    ['an exit below the composition', 'kit/http.ts', `process.exit(1)`],
    ['a file of no area', 'elsewhere/a.ts', `export {}`],
  ])('%s', (_what, file, source) => {
    expect(findings(file, source)).toHaveLength(1)
  })
})

describe('boundaries accept', () => {
  test('this repository', () => {
    expect(checkBoundaries(new URL('../..', import.meta.url).pathname)).toEqual([])
  })

  test.each([
    [
      'the client in its broker folder',
      'async-rabbitmq/broker/connect.ts',
      `import { connect } from 'amqplib'`,
    ],
    ['both clients in the stack', 'stack/admin.ts', `import 'amqplib'\nimport 'kafkajs'`],
    [
      'the broker folder in a service',
      'async-rabbitmq/order-service/server.ts',
      `import '../broker/connect.ts'`,
    ],
    ['the kit in a service', 'sync-rest/order-service/app.ts', `import '@lab/kit/http.ts'`],
    [
      'the lab in a test of a part',
      'streaming-kafka/tests/a.test.ts',
      `import '@lab/lab/experiments/list.ts'`,
    ],
    ['vitest in a test', 'common/domain/order.test.ts', `import { test } from 'vitest'`],
    [
      'the environment in a composition',
      'sync-rest/order-service/server.ts',
      `export const env = process.env`,
    ],
    [
      'names in comments and strings',
      'kit/http.ts',
      `// import 'amqplib'\nexport const a = "process.exit(1)"`,
    ],
  ])('%s', (_what, file, source) => {
    expect(findings(file, source)).toEqual([])
  })

  test('and say where and what otherwise', () => {
    const source = `import { z } from 'zod'\nimport { connect } from 'amqplib'`

    expect(findings('kit/http.ts', source)).toEqual([`kit/http.ts:2 may not import 'amqplib'`])
  })
})
