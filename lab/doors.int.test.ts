import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { until } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { trios } from './trio.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SECRET = 's3cr3t-word'
const ENDS_WITHIN_MS = 30_000

/** Nobody listens on port 1: a service without its broker is alive, and that is all these tests ask for. */
const nowhere = {
  RABBITMQ_URL: `amqp://user:${SECRET}@127.0.0.1:1`,
  KAFKA_BROKERS: '127.0.0.1:1',
  INVENTORY_URL: 'http://127.0.0.1:1',
  NOTIFICATION_URL: 'http://127.0.0.1:1',
  SHUTDOWN_DEADLINE_MS: '2000',
}

/** There are a hundred starts in here. */
const { NODE_COMPILE_CACHE } = process.env
const compileCache = NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}

const services = trios.flatMap(({ name, services }) =>
  services.map((service) => ({
    name: `${name}/${service.name}`,
    entry: service.entry,
    isLog: name === 'streaming-kafka',
  })),
)

interface Started {
  child: ChildProcess
  output: () => string
}

function start(entry: string, env: Record<string, string>, uid?: number): Started {
  const child = spawn(process.execPath, [resolve(ROOT, entry)], {
    env: { ...compileCache, ...nowhere, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, output: () => output }
}

/** Runs it to its end, which is an exit with code 1, and gives what it said. */
async function failedStart(entry: string, env: Record<string, string>): Promise<string> {
  const { child, output } = start(entry, env)
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) })
  expect(output()).not.toMatch(/^\s+at .*:\d+|\\n\s+at |"stack"|node:internal/m)
  expect(output()).not.toContain(SECRET)
  expect(output()).not.toContain(ROOT)
  expect(code).toBe(1)
  return output()
}

/** Listens on every address of this machine, as in a container; gives its port. */
async function listening(entry: string, env: Record<string, string> = {}, uid?: number): Promise<number> {
  const { child, output } = start(entry, { HOST: '0.0.0.0', PORT: '0', ...env }, uid)
  const port = () => /"url":"http:\/\/[\d.]+:(\d+)"/.exec(output())?.[1]
  const isUp = async () => {
    expect(child.exitCode, output()).toBeNull()
    return port() !== undefined
  }
  await until(isUp, { what: `${entry} to listen`, timeoutMs: ENDS_WITHIN_MS, everyMs: 50 })
  return Number(port())
}

/** For root: a user without any rights, where the folders above this one let him in. */
const nobody = process.getuid?.() === 0 && readable(65_534) ? 65_534 : undefined

function readable(uid: number): boolean {
  const read = ['-e', `fs.readFileSync(${JSON.stringify(resolve(ROOT, 'package.json'))})`]
  return spawnSync(process.execPath, read, { uid, stdio: 'ignore' }).status === 0
}

/** An address of this machine by which a caller does not count as one of it. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address

const ask = async (url: string, options?: RequestInit) => {
  const res = await fetch(url, { ...options, signal: AbortSignal.timeout(10_000) })
  return { status: res.status, body: await res.text() }
}

describe.each(services)('$name', ({ entry, isLog }) => {
  test('names what is wrong in its environment, and no password in it', async () => {
    const output = await failedStart(entry, {
      RABBITMQ_URL: `http://user:${SECRET}@mq`,
      KAFKA_BROKERS: `user:${SECRET}@kafka`,
      INVENTORY_URL: `ftp://user:${SECRET}@inventory`,
      NOTIFICATION_URL: `http://user:${SECRET}@notification/path`,
      ADMIN_TOKEN: `${SECRET} with a space`,
      PORT: 'eight',
    })
    expect(output).toContain('the configuration is wrong')
    expect(output).toContain("PORT='eight'")
    expect(output).toContain('ADMIN_TOKEN (not shown): must be')
  })

  test('says that its port is taken, and nothing of its inside', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }

    expect(await failedStart(entry, { PORT: String(port) })).toContain(
      `EADDRINUSE: address already in use 127.0.0.1:${port}`,
    )
  })

  // Part C keeps its state in the log.
  if (!isLog) {
    test('says that its store cannot be opened', async () => {
      const output = await failedStart(entry, { PORT: '0', DATA_DIR: '/dev/null/data' })
      expect(output).toContain('/dev/null/data')
      expect(output.trim().split('\n').length).toBeLessThanOrEqual(2)
    })
  }

  test.skipIf(outside === undefined)(
    `bound to every address, run by ${nobody ? 'an ordinary' : 'this'} user, works for all and opens /admin to this machine alone`,
    async () => {
      const port = await listening(entry, {}, nobody)
      const [inside, fromOutside] = [`http://127.0.0.1:${port}`, `http://${outside}:${port}`]

      for (const path of ['/health', '/metrics', '/docs/json'])
        expect((await ask(fromOutside + path)).status).toBe(200)
      expect((await ask(`${inside}/admin/faults`)).status).toBe(200)
      const refused = await ask(`${fromOutside}/admin/faults`, {
        headers: { 'x-forwarded-for': '127.0.0.1' },
      })
      expect(refused.status).toBe(403)
      expect(JSON.parse(refused.body)).toMatchObject({ status: 403, code: 'LAB_ADMIN_CLOSED' })
    },
  )

  test.skipIf(outside === undefined)('with ADMIN_TOKEN, asks everybody for it and nobody else', async () => {
    const port = await listening(entry, { ADMIN_TOKEN: SECRET })
    for (const url of [`http://127.0.0.1:${port}/admin/faults`, `http://${outside}:${port}/admin/faults`]) {
      const bearer = (token: string) => ask(url, { headers: { authorization: `Bearer ${token}` } })
      expect((await ask(url)).status).toBe(401)
      expect((await bearer(`${SECRET}x`)).status).toBe(401)
      expect((await bearer(SECRET)).status).toBe(200)
    }
    expect((await ask(`http://${outside}:${port}/health`)).status).toBe(200)
  })
})
