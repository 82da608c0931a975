import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseEnv } from './config.ts'
import { Faults } from './faults.ts'
import { createHttpApp } from './http.ts'
import { createLog } from './log.ts'
import { loggedError } from './log-error.ts'
import { createMetrics } from './metrics.ts'
import { scrub } from './scrub.ts'

const SECRET = 's3cr3t'
const ROOT = resolve(import.meta.dirname, '..')

const schema = z.object({
  RABBITMQ_URL: z.url({ protocol: /^amqps?$/, error: 'is no amqp URL' }).optional(),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[a-z]+:\d+$/)
    .optional(),
  ADMIN_TOKEN: z.string().max(3).optional(),
})

function problemOf(env: Record<string, string>): string {
  try {
    parseEnv(schema, env)
    return 'no problem'
  } catch (err) {
    return String(err)
  }
}

describe('a configuration error', () => {
  test.each([
    { RABBITMQ_URL: `http://user:${SECRET}@mq:5672` },
    { RABBITMQ_URL: `amqp//user:${SECRET}@mq` },
    { RABBITMQ_URL: `user:${SECRET}@mq` },
    { RABBITMQ_URL: `amqp://user:${SECRET}` },
    { RABBITMQ_URL: `amqp://user:p@${SECRET}@mq:x` },
    { RABBITMQ_URL: `amqp://user:p/${SECRET}@m q` },
    { RABBITMQ_URL: `amqp://user:p ${SECRET}\n@mq:port` },
    { KAFKA_BROKERS: `user:${SECRET}@kafka:9092` },
    { ADMIN_TOKEN: SECRET },
  ])('names the variable of %j, and keeps its password', (env) => {
    const problem = problemOf(env as Record<string, string>)
    expect(problem).toContain(Object.keys(env)[0])
    expect(problem).not.toContain(SECRET)
  })

  test('shows every other value', () => {
    expect(problemOf({ RABBITMQ_URL: 'http://mq:5672/vhost' })).toContain("'http://mq:5672/vhost'")
    expect(problemOf({ KAFKA_BROKERS: 'kafka' })).toContain("KAFKA_BROKERS='kafka'")
  })
})

describe('a logged error', () => {
  test('has no stack, no property of its own, no login and no folder', () => {
    const cause = Object.assign(new TypeError(`Invalid URL amqp://user:${SECRET}@mq/x`), {
      code: 'ERR_INVALID_URL',
      input: `amqp://user:${SECRET}@mq/x`,
    })
    const several = new AggregateError([cause, `${ROOT}/kit/x.ts is missing`])
    const logged = loggedError(new Error('cannot connect', { cause: several }))

    expect(logged).toMatchObject({
      type: 'Error',
      message: 'cannot connect',
      at: expect.stringMatching(/^scrub\.test\.ts:\d+$/),
      cause: {
        type: 'AggregateError',
        errors: [
          { type: 'TypeError', message: 'Invalid URL amqp://***@mq/x', code: 'ERR_INVALID_URL' },
          { type: 'string', message: 'kit/x.ts is missing' },
        ],
      },
    })
    expect(JSON.stringify(logged)).not.toMatch(new RegExp(`${SECRET}|${ROOT}|stack|input`))
  })

  test('ends where causes go in a circle', () => {
    const [a, b] = [new Error('a'), new Error('b')]
    a.cause = b
    b.cause = a
    expect(JSON.stringify(loggedError(a)).match(/"message":"a"/g)?.length).toBeLessThan(10)
  })
})

test('a request that fails is logged with its cause and its place, and nothing else of it', async () => {
  const lines: string[] = []
  const log = createLog('test', 'info', { write: (line) => void lines.push(line) })
  const metrics = createMetrics('test')
  const app = await createHttpApp({
    part: 'test',
    service: 'test',
    description: 'A test',
    log,
    metrics,
    faults: new Faults(),
  })
  app.get('/broken', { schema: { querystring: z.object({ token: z.string() }) } }, async () => {
    throw Object.assign(new Error(`no route to amqp://user:${SECRET}@mq`), { url: SECRET })
  })
  const answer = await app.inject({
    url: `/broken?token=${SECRET}`,
    headers: { authorization: `Bearer ${SECRET}` },
  })
  await app.close()
  const logged = lines.join('')

  expect(answer.statusCode).toBe(500)
  expect(JSON.parse(logged)).toMatchObject({
    path: '/broken',
    err: { message: 'no route to amqp://***@mq', at: expect.stringMatching(/^scrub\.test\.ts:\d+$/) },
  })
  expect(logged).not.toMatch(new RegExp(`${SECRET}|${ROOT}|"stack"`))
})

test('scrubbing leaves package names and plain addresses as they are', () => {
  const text = "Cannot find package '@lab/common' at http://127.0.0.1:8000/x"
  expect(scrub(text)).toBe(text)
})
