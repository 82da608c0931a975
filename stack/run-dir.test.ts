import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newBase } from './fixtures/lab.ts'
import { identify, isAlive, pidNamespace, RUN_MARKER } from './process-identity.ts'
import { openRunDir } from './run-dir.ts'
import { type RunRecord, writeRecord } from './run-record.ts'
import { sweepDeadRuns } from './run-sweep.ts'

describe('run-dir on a dead run', () => {
  test('ends the recorded child and removes the folder', async () => {
    const base = newBase()
    const child = await sleeper()
    const path = plantRun(base, { runner: await deadIdentity(), children: [identityOf(child, 'svc')] })

    const report = await sweepDeadRuns({ base })

    expect(report.swept).toMatchObject([{ id: 'planted', ended: [`svc (${child.pid})`] }])
    expect(isAlive(identityOf(child))).toBe(false)
    expect(existsSync(path)).toBe(false)
  })

  test('leaves a later process alone that has the pid of a recorded child', async () => {
    const base = newBase()
    const child = await sleeper()
    const recycled = { ...identityOf(child, 'svc'), startedAt: 'earlier' }
    plantRun(base, { runner: await deadIdentity(), children: [recycled] })

    const report = await sweepDeadRuns({ base })

    expect(report.swept).toMatchObject([{ ended: [] }])
    expect(isAlive(identityOf(child))).toBe(true)
  })

  test('counts a runner as dead when another process has its pid', async () => {
    const base = newBase()
    const path = plantRun(base, { runner: { pid: process.pid, startedAt: 'earlier' } })

    const report = await sweepDeadRuns({ base })

    expect(report.swept).toHaveLength(1)
    expect(existsSync(path)).toBe(false)
  })

  test.runIf(process.platform === 'linux')('ends a child that was not written down any more', async () => {
    const base = newBase()
    const path = plantRun(base, { runner: await deadIdentity() })
    const child = await sleeper({ [RUN_MARKER]: path })

    const report = await sweepDeadRuns({ base })

    expect(report.swept).toMatchObject([{ ended: [`untracked (${child.pid})`] }])
    expect(isAlive(identityOf(child))).toBe(false)
  })
})

describe('run-dir on a run it must not touch', () => {
  test('leaves a live run and its children alone', async () => {
    const base = newBase()
    const child = await sleeper()
    const path = plantRun(base, { runner: identify(process.pid)!, children: [identityOf(child, 'svc')] })

    const report = await sweepDeadRuns({ base })

    expect(report).toMatchObject({ swept: [], live: ['planted'] })
    expect(isAlive(identityOf(child))).toBe(true)
    expect(existsSync(path)).toBe(true)
  })

  test('leaves a run of another pid namespace alone', async () => {
    const base = newBase()
    plantRun(base, { runner: await deadIdentity(), pidNamespace: 'pid:[1]' })

    expect(await sweepDeadRuns({ base })).toMatchObject({ swept: [], unknown: ['planted'] })
  })

  test('leaves a folder alone whose record it cannot read', async () => {
    const base = newBase()
    mkdirSync(join(base, 'odd'))
    writeFileSync(join(base, 'odd', 'run.json'), '{"schema": 99}')

    expect(await sweepDeadRuns({ base })).toMatchObject({ swept: [], unknown: ['odd'] })
  })
})

describe('run-dir on open and close', () => {
  test('ends what is still tracked and removes the folder, also when closed twice', async () => {
    const run = await openRunDir({ base: newBase() })
    const child = await sleeper()
    await run.track({ pid: child.pid!, name: 'svc' })

    await Promise.all([run.close(), run.close()])

    expect(isAlive(identityOf(child))).toBe(false)
    expect(existsSync(run.path)).toBe(false)
  })

  test('does not end a child that was untracked', async () => {
    const run = await openRunDir({ base: newBase() })
    const child = await sleeper()
    await run.track({ pid: child.pid!, name: 'svc' })
    await run.untrack(child.pid!)

    await run.close()

    expect(isAlive(identityOf(child))).toBe(true)
  })

  test('opens a second run beside a live one', async () => {
    const base = newBase()
    const first = await openRunDir({ base })
    onTestFinished(() => first.close())

    const second = await openRunDir({ base })
    onTestFinished(() => second.close())

    expect(second.swept).toMatchObject({ swept: [], live: [first.id] })
    expect(existsSync(first.path)).toBe(true)
  })

  test('refuses a base folder that others can write to', async () => {
    const base = newBase()
    chmodSync(base, 0o777)

    await expect(openRunDir({ base })).rejects.toThrow('is not a folder that only you can write to')
  })
})

function plantRun(base: string, facts: Partial<RunRecord>): string {
  const path = join(base, 'planted')
  mkdirSync(path)
  writeRecord(path, {
    schema: 1,
    id: 'planted',
    openedAt: new Date().toISOString(),
    pidNamespace: pidNamespace(),
    runner: { pid: 1, startedAt: 'never' },
    usesDocker: false,
    children: [],
    ...facts,
  })
  return path
}

async function sleeper(env: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', env: { ...process.env, ...env } })
  await once(child, 'spawn')
  onTestFinished(() => void child.kill('SIGKILL'))
  identities.set(child, identify(child.pid!)!)
  return child
}

const identities = new WeakMap<ChildProcess, { pid: number; startedAt: string }>()

function identityOf(child: ChildProcess, name = 'child') {
  return { ...identities.get(child)!, name }
}

async function deadIdentity() {
  const child = await sleeper()
  child.kill('SIGKILL')
  await once(child, 'exit')
  return identities.get(child)!
}
