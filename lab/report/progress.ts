import { Listr, PRESET_TIMER } from 'listr2'

export interface Task<Result> {
  title: string
  run: (progress: (text: string) => void) => Promise<Result>
  /** What the finished line says. */
  done: (result: Result) => string
  /** Whether the result is a failure, so that the line shows it as one. */
  failed?: (result: Result) => boolean
}

/** Shows what is going on. Progress is for people and never part of a result. */
export interface Reporter {
  /** Runs the tasks at the same time and waits for the end of all; then rejects with the first error, if there was one. */
  tasks: <Result>(tasks: Task<Result>[]) => Promise<Result[]>
  say: (text: string) => void
}

export interface ReporterOptions {
  /** Lines that move, on stdout, which has to be a terminal. Otherwise plain lines. */
  live: boolean
  /** Takes plain lines. */
  write: (line: string) => void
}

export function createReporter({ live, write }: ReporterOptions): Reporter {
  const lines = new Set<Line>()
  return {
    async tasks(tasks) {
      return tasks.length > 0 && live ? liveTasks(tasks, lines) : plainTasks(tasks, write)
    },
    say(text) {
      // While lines move, whatever else is written waits until they stand still.
      for (const line of lines) line.output = text
      if (lines.size === 0) write(text)
    },
  }
}

/** What a moving line says below its title. */
interface Line {
  output: string
}

/** A result that the line has to show as a failure; it never leaves this file. */
class ShownAsFailure extends Error {}

async function liveTasks<Result>(tasks: Task<Result>[], lines: Set<Line>): Promise<Result[]> {
  const results: Result[] = []
  const errors: unknown[] = []
  const list = new Listr(
    tasks.map(({ title, run, done, failed }, at) => ({
      title,
      task: async (_context, line) => {
        const say = (text: string) => {
          line.output = text
        }
        lines.add(line)
        const value = await run(say)
          .catch((err: unknown) => {
            errors.push(err)
            throw err
          })
          .finally(() => lines.delete(line))
        results[at] = value
        line.title = done(value)
        if (failed?.(value)) throw new ShownAsFailure(line.title)
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      // Signals belong to the command line, which stops things in order.
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false, collapseErrors: false },
    },
  )
  await list.run()
  if (errors.length > 0) throw errors[0]
  return results
}

const PLAIN_EVERY_MS = 2_000

/** One line when a task starts, one when it ends, and in between no more than one every two seconds. */
async function plainTasks<Result>(tasks: Task<Result>[], write: (line: string) => void): Promise<Result[]> {
  const errors: unknown[] = []
  const running = tasks.map((task) =>
    plainTask(task, write).catch((err: unknown) => {
      errors.push(err)
      write(`✖ ${task.title}`)
    }),
  )
  const results = await Promise.all(running)
  if (errors.length > 0) throw errors[0]
  return results as Result[]
}

async function plainTask<Result>(
  { title, run, done, failed }: Task<Result>,
  write: (line: string) => void,
): Promise<Result> {
  const startedAt = performance.now()
  let spokenAt = startedAt
  write(`- ${title}`)
  const value = await run((text) => {
    if (performance.now() - spokenAt < PLAIN_EVERY_MS) return
    spokenAt = performance.now()
    write(`    ${text}`)
  })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  write(`${failed?.(value) ? '✖' : '✔'} ${done(value)} [${seconds} s]`)
  return value
}
