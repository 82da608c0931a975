import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LabError } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { ExperimentShown, RunUnderWay } from '../../wire/experiments.ts'

export interface RunnerOptions {
  /** The repository: its command line is what runs the experiments. */
  root: string
  /** Where results go. */
  results: string
  /** What the command line finds its tools and brokers by. */
  env: NodeJS.ProcessEnv
  /** Called when there is something new about the run. */
  show: (run: RunUnderWay) => void
}

const MOST_LINES = 200
const LONGEST_MS = 15 * 60_000
/** An interrupted run stops its brokers in order; asked twice, it ends every process. */
const ORDERLY_MS = 4_000
const FORCED_MS = 4_000

const List = z.array(z.object({ name: z.string(), part: z.string(), question: z.string() }))

export interface Runner {
  list(): Promise<ExperimentShown[]>
  readonly current: RunUnderWay | undefined
  start(experiment: string, predicted: string): Promise<RunUnderWay>
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

/** Runs experiments by the lab's own command line, one at a time, each for a quarter of an hour at most. */
export function createRunner({ root, results, env, show }: RunnerOptions): Runner {
  const script = join(root, 'scripts/lab.ts')
  let current: RunUnderWay | undefined
  let child: ChildProcess | undefined
  let listed: Promise<ExperimentShown[]> | undefined

  const list = () => {
    listed ??= execute(process.execPath, [script, 'list', '--json'], { env, timeout: 60_000 }).then(
      ({ stdout }) => List.parse(JSON.parse(stdout)),
      (err: unknown) => {
        listed = undefined
        throw new LabError('LAB_INTERNAL', 'the experiments cannot be listed', { cause: err })
      },
    )
    return listed
  }

  const stop = async () => {
    const ending = child
    if (!ending) return
    const ended = once(ending, 'close')
    ending.kill('SIGTERM')
    if (await isWithin(ended, ORDERLY_MS)) return
    ending.kill('SIGTERM')
    if (await isWithin(ended, FORCED_MS)) return
    ending.kill('SIGKILL')
    await ended
  }

  return {
    list,
    get current() {
      return current
    },
    stop,
    async start(experiment, predicted) {
      if (!(await list()).some(({ name }) => name === experiment))
        throw new LabError('LAB_NOT_FOUND', `experiment: there is no '${experiment}'`)
      if (child)
        throw new LabError(
          'LAB_CONFLICT',
          `${current?.experiment} is under way: one at a time, or they measure each other`,
        )
      const run: RunUnderWay = {
        experiment,
        predicted,
        started_at: Date.now(),
        state: 'running',
        lines: [],
        exit_code: null,
        id: null,
      }
      current = run
      const args = [script, 'run', experiment, '--profile', 'quick', '--out', results]
      const started = spawn(process.execPath, args, {
        env: { ...env, CI: '1', NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      const limit = setTimeout(() => void stop(), LONGEST_MS)
      for (const stream of [started.stdout, started.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          run.lines.push(line)
          run.lines.splice(0, run.lines.length - MOST_LINES)
          const [, id] = /([^/\s]+)\/report\.html/.exec(line) ?? []
          if (id !== undefined) run.id = id
          show({ ...run })
        })
      }
      started.on('error', (err) => run.lines.push(String(err)))
      started.once('close', (code) => {
        clearTimeout(limit)
        child = undefined
        Object.assign(run, { state: 'over', exit_code: code })
        show({ ...run })
      })
      show({ ...run })
      return run
    },
  }
}

const execute = promisify(execFile)

async function isWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  return Promise.race([ended.then(() => true), sleep(ms, false, { ref: false })])
}
