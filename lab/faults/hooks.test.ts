import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { crashAt, fillStore, freezeAt, type HookedStart, moveClock } from './hooks.ts'

const HOUR = 3_600_000

describe('crash hook', () => {
  test('ends the process at the n-th passage, before the line after it runs', async () => {
    const hooked = await start(crashAt('rest.order-stored', 3))

    expect(await hooked.ask('step')).toBeNull()
    expect(await hooked.ask('step')).toBeNull()
    hooked.tell('step')
    const [code, signal] = await once(hooked.child, 'close', { signal: AbortSignal.timeout(10_000) })

    expect([code, signal]).toEqual([null, 'SIGKILL'])
    expect(hooked.said).toEqual(['ready', 'null', 'null'])
    expect(hooked.errors()).toBe('crash hook: SIGKILL at passage 3 of rest.order-stored\n')
  })

  test('lets other steps pass', async () => {
    const hooked = await start(crashAt('rest.settle-begun'))

    expect(await hooked.ask('step')).toBeNull()
  })

  test('freezes the process at the step until it is told to go on', async () => {
    const hooked = await start(freezeAt('rest.order-stored'))
    hooked.tell('step')
    await expect.poll(hooked.errors).toContain('SIGSTOP at passage 1')
    const before = [...hooked.said]

    hooked.child.kill('SIGCONT')

    expect(before).toEqual(['ready'])
    expect(await hooked.next()).toBeNull()
    expect(await hooked.ask('step')).toBeNull()
  })

  test.each([[{ LAB_CRASH_STEP: 'rest.nowhere' }, "LAB_CRASH_STEP: 'rest.nowhere' is not a step"]])(
    'refuses %o',
    async (wrong, message) => {
      const { preload, env } = crashAt('rest.order-stored')
      const { child, errors } = run({ preload, env: { ...env, ...wrong } })

      expect(await once(child, 'close', { signal: AbortSignal.timeout(10_000) })).toEqual([1, null])
      expect(errors()).toContain(message)
    },
  )
})

describe('clock hook', () => {
  test.each([-HOUR, HOUR])('moves every reading of the wall clock by %i ms, and no other', async (offset) => {
    const hooked = await start(moveClock(offset))
    await hooked.signal('moved by')

    const { now, made, called, given, isDate, monotonic } = await hooked.ask<Clocks>('date')

    // Generous: what is told apart here are hours.
    for (const wall of [now, made, called]) expect((wall - monotonic) / HOUR).toBeCloseTo(offset / HOUR, 1)
    expect(given).toBe(5)
    expect(isDate).toBe(true)
  })

  test('moves it there and back at a signal', async () => {
    const hooked = await start(moveClock(HOUR))
    const ahead = async () => {
      const { now, monotonic } = await hooked.ask<Clocks>('date')
      return (now - monotonic) / HOUR
    }

    expect(await ahead()).toBeCloseTo(0, 1)
    await hooked.signal('moved by 3600000 ms')
    expect(await ahead()).toBeCloseTo(1, 1)
    await hooked.signal('moved by 0 ms')
    expect(await ahead()).toBeCloseTo(0, 1)
  })
})

describe('store-full hook', () => {
  test('has SQLite refuse to grow from one signal to the next', async () => {
    const hooked = await start(fillStore())
    expect(await hooked.ask('insert')).toBe(1)

    await hooked.signal('full at')
    expect(await hooked.ask('insert')).toBe('database or disk is full')
    await hooked.signal('may grow again')

    expect(await hooked.ask('insert')).toBe(1)
  })
})

describe('a hook that is not preloaded', () => {
  test('is named by no service, so nothing but the preload leads to it', () => {
    const root = resolve(import.meta.dirname, '../..')
    const sources = globSync('{kit,common,sync-rest,async-rabbitmq,streaming-kafka}/**/*.ts', {
      cwd: root,
    }).filter((file) => !file.endsWith('.test.ts') && !/\/(tests|testing|node_modules)\//.test(file))

    const naming = sources.filter((file) =>
      /LAB_CRASH|LAB_CLOCK|SIGWINCH|STEP_CHANNEL|lab:step|faults\/hooks/.test(
        readFileSync(join(root, file), 'utf8'),
      ),
    )

    expect(naming).toEqual(['kit/steps.ts'])
  })

  test('cannot be reached by its variables and signals', async () => {
    const env = { ...crashAt('rest.order-stored').env, ...moveClock(HOUR).env }
    const hooked = await start({ preload: [], env })

    expect(await hooked.ask('step')).toBeNull()
    const { now, monotonic } = await hooked.ask<Clocks>('date')
    expect((now - monotonic) / HOUR).toBeCloseTo(0, 1)
  })
})

interface Clocks {
  now: number
  made: number
  called: number
  given: number
  isDate: boolean
  monotonic: number
}

function run({ preload, env }: HookedStart) {
  const imports = preload.flatMap((file) => ['--import', file])
  const entry = join(import.meta.dirname, 'fixtures/hooked.ts')
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    process.execPath,
    [...imports, entry],
    { env, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return { child, errors: () => text }
}

/** The process, once it listens to commands. */
async function start(hooked: HookedStart) {
  const { child, errors } = run(hooked)
  const said: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => said.push(line))
  let read = 0
  const line = async () => {
    await expect.poll(() => said.length, { timeout: 10_000, message: errors() }).toBeGreaterThan(read)
    return said[read++] as string
  }
  const next = async <Answer>() => JSON.parse(await line()) as Answer
  const tell = (command: string) => void child.stdin.write(`${command}\n`)
  expect(await line()).toBe('ready')
  return {
    child,
    said,
    errors,
    tell,
    next,
    ask: async <Answer>(command: string) => {
      tell(command)
      return next<Answer>()
    },
    /** SIGWINCH, until the hook has said what it did. */
    signal: async (answer: string) => {
      child.kill('SIGWINCH')
      await expect.poll(errors, { timeout: 10_000 }).toContain(answer)
    },
  }
}
