import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Db } from '../../shared/db/db.ts'
import type { Lease } from './lease.ts'

export interface Job {
  name: string
  about: string
  everyMs: number
  /** Safe to run twice, also at once; answers what it did in a few words. */
  run: () => Promise<string>
}

export interface JobState {
  name: string
  about: string
  every_seconds: number
  ran_at: string | null
  took_ms: number | null
  result: string | null
}

/** How soon a job that failed is tried again. */
const RETRY_MS = 5_000

export type Runner = ReturnType<typeof startRunner>

/** Runs what is due, one job after the other, as long as the lease is ours. */
export function startRunner({ db, lease, jobs, tickMs, log }: RunnerDeps) {
  const retryAt = new Map<string, number>()
  let state = 'not asked yet'
  let running: Promise<void> | undefined
  let isClosed = false

  /** Renewing goes on while a job takes long. */
  const tick = async () => {
    try {
      if (await lease.take()) running ??= runAllDue().finally(() => (running = undefined))
      state = 'ok'
    } catch (err) {
      state = messageOf(err)
    }
    if (!isClosed) timer = setTimeout(tick, tickMs)
  }
  let timer = setTimeout(tick, 0)

  /** Nobody waits for it: where the database is away, or its tables are not there yet, the next tick asks again. */
  const runAllDue = () => runDue().catch((err) => log.warn({ err }, 'what is due is not known'))

  async function runDue(): Promise<void> {
    const ran = new Map((await states()).map(({ name, ran_at }) => [name, ran_at && Date.parse(ran_at)]))
    for (const job of jobs) {
      const dueAt = Math.max((ran.get(job.name) || 0) + job.everyMs, retryAt.get(job.name) ?? 0)
      if (isClosed || !lease.isOurs() || Date.now() < dueAt) continue
      await run(job).catch((err) => {
        retryAt.set(job.name, Date.now() + RETRY_MS)
        log.error({ err, job: job.name }, 'job failed')
      })
    }
  }

  async function run(job: Job): Promise<string> {
    const startedAt = performance.now()
    const result = await job.run()
    const took = Math.round(performance.now() - startedAt)
    await db.query(
      `insert into jobs (name, ran_at, took_ms, result) values ($1, now(), $2, $3)
       on conflict (name) do update set ran_at = excluded.ran_at, took_ms = excluded.took_ms, result = excluded.result`,
      [job.name, took, result],
    )
    return result
  }

  async function states(): Promise<JobState[]> {
    const rows = await db.query<{ name: string; ran_at: Date; took_ms: number; result: string }>(
      'select name, ran_at, took_ms, result from jobs',
    )
    return jobs.map(({ name, about, everyMs }) => {
      const row = rows.find((one) => one.name === name)
      return {
        name,
        about,
        every_seconds: everyMs / 1_000,
        ran_at: row?.ran_at.toISOString() ?? null,
        took_ms: row?.took_ms ?? null,
        result: row?.result ?? null,
      }
    })
  }

  return {
    state: () => state,
    states,
    /** Now, without waiting until it is due. */
    run,
    /** Resolves when the job that runs has ended and the lease is free. */
    async close() {
      isClosed = true
      clearTimeout(timer)
      await running
      await lease.release().catch((err) => log.warn({ err }, 'the lease runs out by itself'))
    },
  }
}

interface RunnerDeps {
  db: Db
  lease: Lease
  jobs: Job[]
  tickMs: number
  log: Logger
}
