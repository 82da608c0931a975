import { setTimeout as sleep } from 'node:timers/promises'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import pg from 'pg'

export interface Tx {
  /** Values are parameters, never part of the text. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
}

/** `read committed` for what only passes rows on and decides nothing. */
export type Isolation = 'serializable' | 'read committed'

/** A statement alone is run again like a transaction: it is one. */
export interface Db extends Tx {
  /**
   * Serialisable. Where the database finds that it did not go together with another one (40001), the whole of `work` is run
   * again: it must have no effect but in the database.
   */
  transaction<Result>(work: (tx: Tx) => Promise<Result>, isolation?: Isolation): Promise<Result>
  /** `ok`, or why not; for `/ready`. */
  state: () => string
  close: () => Promise<void>
}

export interface DbOptions {
  url: string
  connections: number
  log: Logger
}

const CONNECT_MS = 2_000
const QUERY_MS = 5_000
const PROBE_MS = 1_000
const TRIES = 12
/** Serialisation failure, and deadlock, which PostgreSQL says instead now and then. */
const AGAIN = ['40001', '40P01']
/** Of the connection, of a server that starts or ends, of a commit nobody knows the end of: not of what was asked. */
const AWAY = /^(08|57P|53|40003$)|^E[A-Z]+$/

export function openDb({ url, connections, log }: DbOptions): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    statement_timeout: QUERY_MS,
    idle_in_transaction_session_timeout: 2 * QUERY_MS,
    types: { getTypeParser: parserOf as never },
  })
  let state = 'not asked yet'
  const become = (next: string) => {
    if (next !== state) log.info({ state: next }, 'database')
    state = next
  }
  // An idle connection broke; the next one is new.
  pool.on('error', (err) => become(messageOf(err)))

  /** Only what is asked of the database says whether it is away, never the work around it. */
  const asked = async <Result>(asking: () => Promise<Result>): Promise<Result> => {
    try {
      const result = await asking()
      become('ok')
      return result
    } catch (err) {
      if (!isAway(err)) throw err
      become(messageOf(err))
      throw new Away('LAB_DEPENDENCY_UNAVAILABLE', 'The database is away', { retryable: true, cause: err })
    }
  }
  const probe = setInterval(() => {
    if (state !== 'ok') asked(() => pool.query('select 1')).catch(() => {})
  }, PROBE_MS).unref()
  asked(() => pool.query('select 1')).catch(() => {})

  const connected = async <Result>(
    work: (ask: (text: string, values?: readonly unknown[]) => Promise<pg.QueryResult>) => Promise<Result>,
  ): Promise<Result> => {
    const client = await asked(() => pool.connect())
    let broken: Error | undefined
    const onError = (err: Error) => {
      broken = err
    }
    client.on('error', onError)
    try {
      return await work((text, values) => asked(() => client.query(prepared(text, values))))
    } catch (err) {
      if (err instanceof Away) broken = err
      throw err
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }
  const once = <Result>(work: (tx: Tx) => Promise<Result>, isolation: Isolation): Promise<Result> =>
    connected(async (ask) => {
      try {
        await ask(`begin isolation level ${isolation}`)
        const result = await work({ query: async (text, values) => (await ask(text, values)).rows })
        // A transaction in which something failed answers COMMIT with ROLLBACK, and no error.
        if ((await ask('commit')).command !== 'COMMIT') throw new Error('the transaction was rolled back')
        return result
      } catch (err) {
        if (!(err instanceof Away)) await ask('rollback')
        throw err
      }
    })

  return {
    query: (text, values) => again(() => connected(async (ask) => (await ask(text, values)).rows)),
    transaction: (work, isolation = 'serializable') => again(() => once(work, isolation)),
    state: () => state,
    close: async () => {
      clearInterval(probe)
      await pool.end()
    },
  }
}

/** The statements of a service are few: each connection parses and plans each of them once. */
const names = new Map<string, string>()
const MAX_NAMES = 500
function prepared(text: string, values?: readonly unknown[]): pg.QueryConfig {
  if (values === undefined) return { text }
  if (!names.has(text) && names.size < MAX_NAMES) names.set(text, `s${names.size}`)
  const name = names.get(text)
  return { text, values: values as unknown[], ...(name !== undefined && { name }) }
}

class Away extends LabError {}

async function again<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (err) {
      if (!AGAIN.includes(codeOf(err))) throw err
      if (attempt === TRIES)
        throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'Too many want the same rows of the database', {
          retryable: true,
          cause: err,
        })
      await sleep(Math.random() * Math.min(2 ** attempt, 200))
    }
  }
}

const codeOf = (err: unknown): string => (err as { code?: string }).code ?? ''
const isAway = (err: unknown): boolean =>
  AWAY.test(codeOf(err)) || /timeout|terminated|Connection/i.test(messageOf(err))

const INT8 = 20
/** Whole numbers of eight bytes as numbers: cents and counts stay below 2^53. */
const parserOf = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
