import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import { newBase, openTestRun, processesOf } from '@lab/stack/fixtures/lab.ts'
import { freePorts } from '@lab/stack/ports.ts'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type RunningTrio, type StartTrioOptions, startTrio, trioSpec } from './trio.ts'

const FIXTURE = resolve(import.meta.dirname, '../stack/fixtures/service.ts')

describe('a trio on start', () => {
  test('starts its three services and tells the order service where the others are', async () => {
    const { part } = await startFixturePart()

    expect(part.services.map(({ name }) => name)).toEqual([
      'order-service',
      'inventory-service',
      'notification-service',
    ])
    const env = await envOf(part.order.url)
    expect(env).toMatchObject({ INVENTORY_URL: part.inventory.url, NOTIFICATION_URL: part.third.url })
    expect(env).not.toHaveProperty('DATA_DIR')
  })

  test('adds the environment of all services and of one', async () => {
    const options = { env: { STOCK: 'burger=7' }, serviceEnv: { inventory: { LOG_LEVEL: 'debug' } } }
    const { part } = await startFixturePart(options)

    expect(await envOf(part.inventory.url)).toMatchObject({ STOCK: 'burger=7', LOG_LEVEL: 'debug' })
    expect(await envOf(part.order.url)).not.toHaveProperty('LOG_LEVEL')
  })

  test('gives each service a data folder of its own when durable', async () => {
    const { part } = await startFixturePart({ durable: true })

    const folders = await Promise.all(
      part.services.map(async ({ url }) => (await envOf(url)).DATA_DIR as string),
    )

    expect(new Set(folders).size).toBe(3)
    expect(existsSync(part.dataDir!)).toBe(true)
    for (const folder of folders) expect(dirname(folder)).toBe(part.dataDir)
  })

  test('takes three ports from the given one, or names the one that is in use', async () => {
    const [base] = await freePorts(1)
    const squatter = createServer().listen(base! + 1, '127.0.0.1')
    onTestFinished(() => void squatter.close())

    await expect(startFixturePart({ ports: base! })).rejects.toThrow(
      `port ${base! + 1}, needed by inventory-service, is in use`,
    )
  })

  test('leaves no service of a start in which one fails', async () => {
    const run = await openTestRun()
    const failing = startFixturePart({ run, serviceEnv: { notification: { DIE_AT_START: 'no' } } })

    await expect(failing).rejects.toThrow('notification-service ended while it started')

    expect(processesOf(run)).toEqual([])
  })

  test('leaves no service of a start that is aborted', async () => {
    const run = await openTestRun()
    const stop = new AbortController()
    const starting = startFixturePart({ run, env: { READY_AFTER_MS: '60000' }, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 300)

    await expect(starting).rejects.toThrow('Ctrl-C')

    expect(processesOf(run)).toEqual([])
  })

  test('says which broker is missing', async () => {
    const run = await openTestRun()

    await expect(startTrio('async-rabbitmq', { run })).rejects.toThrow(
      'async-rabbitmq needs RabbitMQ, and none was given',
    )
  })
})

describe('a trio on close', () => {
  test('stops every service, also one that is being started, and is idempotent', async () => {
    const { part, run } = await startFixturePart()
    await part.inventory.kill()
    const starting = part.inventory.start({ env: { READY_AFTER_MS: '60000' } })
    const failed = expect(starting).rejects.toThrow('sync-rest is closed')

    await Promise.all([part.close(), part.close()])

    await failed
    expect(processesOf(run)).toEqual([])
    await expect(part.order.start()).rejects.toThrow('sync-rest is closed')
  })
})

async function startFixturePart(options: Partial<StartTrioOptions> = {}) {
  const run = options.run ?? (await openTestRun())
  const part = await startTrio('sync-rest', { ...options, run, root: fixtureRoot() })
  onTestFinished(() => part.close())
  return { part: part as RunningTrio, run }
}

/** A repository whose services are all the fixture. */
function fixtureRoot(): string {
  const root = newBase()
  for (const { entry } of trioSpec('sync-rest').services) {
    mkdirSync(dirname(join(root, entry)), { recursive: true })
    writeFileSync(join(root, entry), `import '${FIXTURE}'\n`)
  }
  return root
}

async function envOf(url: string): Promise<Record<string, string>> {
  const response = await request(`${url}/env`, { reset: true })
  return (await response.body.json()) as Record<string, string>
}
