import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@lab/kit/wait.ts'
import { startChild } from '@lab/stack/child.ts'
import { newBase, processesOf } from '@lab/stack/fixtures/lab.ts'
import { RUN_MARKER } from '@lab/stack/process-identity.ts'
import { describe, expect, test } from 'vitest'
import { openSession, type Session } from './session.ts'

const STUBBORN = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"
const MEEK = "setInterval(() => {}, 1000); console.log('up')"

describe('a session that closes', () => {
  test('closes what it owns in reverse order, then leaves no process and no folder', async () => {
    const { session } = await open()
    const closed: string[] = []
    for (const name of ['first', 'second']) {
      const child = await startProcess(session, name, MEEK)
      const close = () => child.stop(5_000).then(() => closed.push(name))
      session.own(name, { close })
    }
    expect(processesOf(session.run)).toHaveLength(2)

    await session.close()

    expect(closed).toEqual(['second', 'first'])
    expect(processesOf(session.run)).toEqual([])
    expect(existsSync(session.run.path)).toBe(false)
  })

  test('ends a process that nobody owned, and one that was never written down', async () => {
    const { session } = await open()
    await startProcess(session, 'forgotten', STUBBORN)
    const env = { [RUN_MARKER]: session.run.path }
    const unknown = spawn(process.execPath, ['-e', MEEK], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    await once(unknown.stdout, 'data')

    await session.close()

    expect(processesOf(session.run)).toEqual([])
    expect(existsSync(session.run.path)).toBe(false)
  })

  test('goes on when something cannot be closed in order, and says so at the end', async () => {
    const { session } = await open()
    const closed: string[] = []
    session.own('good', { close: async () => closed.push('good') })
    session.own('bad', { close: () => Promise.reject(new Error('bad stays')) })
    await startProcess(session, 'child', MEEK)

    const end = session.close()

    await expect(end).rejects.toMatchObject({ errors: [{ message: 'bad stays' }] })
    expect(closed).toEqual(['good'])
    expect(processesOf(session.run)).toEqual([])
    expect(existsSync(session.run.path)).toBe(false)
  })

  test('closes once, however often it is asked', async () => {
    const { session } = await open()
    let closes = 0
    session.own('thing', { close: async () => closes++ })

    await Promise.all([session.close(), session.close()])
    await session.close()

    expect(closes).toBe(1)
  })
})

describe('a session that is forced', () => {
  test('ends what does not answer SIGTERM, so that closing in order has nothing to wait for', async () => {
    const { session } = await open()
    const child = await startProcess(session, 'stubborn', STUBBORN)
    session.own('stubborn', { close: () => child.stop(60_000) })
    const startedAt = performance.now()

    const closed = session.close()
    await Promise.all([session.force(), closed])

    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' })
    expect(existsSync(session.run.path)).toBe(false)
  })

  test('ends what is started after the force began', async () => {
    const { session } = await open()
    const forced = session.force()

    const late = await startProcess(session, 'late', STUBBORN)
    await late.exited
    await session.close()
    await forced

    expect(existsSync(session.run.path)).toBe(false)
  })
})

describe('the brokers of a session', () => {
  test('are not looked for before they are asked for', async () => {
    const { session } = await open({ LAB_BROKERS: 'external' })

    expect(session.brokers()).toEqual([])

    await session.close()
  })

  test('answer the same error at every call, and the other one is not started any more', async () => {
    const { session } = await open({ LAB_BROKERS: 'external' })

    await expect(session.server('rabbitmq')).rejects.toThrow('needs RABBITMQ_URL')
    await expect(session.server('rabbitmq')).rejects.toThrow('needs RABBITMQ_URL')
    await expect(session.server('kafka')).rejects.toThrow()

    await session.close()
    expect(existsSync(session.run.path)).toBe(false)
  })
})

async function open(env: NodeJS.ProcessEnv = {}) {
  const said: string[] = []
  const { signal } = new AbortController()
  const session = await openSession({ env, signal, progress: (text) => said.push(text), base: newBase() })
  return { session, said }
}

/** A process of the run that has installed its signal handlers. */
async function startProcess({ run }: Session, name: string, code: string) {
  const logFile = join(await run.sub('logs'), `${name}.log`)
  const child = await startChild({
    run,
    name,
    command: process.execPath,
    args: ['-e', code],
    env: {},
    logFile,
  })
  const isUp = async () => !child.isRunning() || readFileSync(logFile, 'utf8').includes('up')
  await until(isUp, { what: `${name} to be up`, timeoutMs: 20_000 })
  return child
}
