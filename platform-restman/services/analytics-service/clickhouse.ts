import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { type OrderRow, type Rows, TABLES } from './tables.ts'

const REQUEST_MS = 10_000
const UNKNOWN_DATABASE = '81'
/** What the door of the lab before the engine of the npm package chdb calls itself. */
const DOOR = 'chdb door'

export interface Engine {
  /** ClickHouse's own server, or its engine behind the lab's door. */
  name: string
  version: string
  database: string
}

export type ClickHouse = ReturnType<typeof openClickHouse>

/** The analytics database. Everything that is asked of it is bounded; what it cannot answer is a 503 that says so. */
export function openClickHouse({ url, database }: { url: string; database: string }) {
  const options = { url, request_timeout: REQUEST_MS, log: { level: ClickHouseLogLevel.OFF } }
  const client = createClient({ ...options, database, application: 'restman' })
  let engine: Engine | undefined
  let trouble = 'not asked yet'

  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const answer = await work()
      trouble = 'ok'
      return answer
    } catch (err) {
      trouble = messageOf(err).slice(0, 200) || 'does not answer'
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `ClickHouse cannot be used: ${trouble}`, {
        retryable: true,
        cause: err,
      })
    }
  }

  /** Makes what is missing and learns which engine it is. Repeatable. */
  const prepare = () =>
    asked(async () => {
      try {
        await createTables()
      } catch (err) {
        if (!(err instanceof ClickHouseError) || err.code !== UNKNOWN_DATABASE) throw err
        await using elsewhere = createClient({ ...options, database: 'default' })
        await elsewhere.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted(database)}` })
        await createTables()
      }
      const answer = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' })
      const [{ version }] = (await answer.json<{ version: string }>()) as [{ version: string }]
      const isDoor = answer.response_headers['x-clickhouse-server-display-name'] === DOOR
      const name = isDoor ? "ClickHouse engine (npm chdb) behind the lab's door" : 'ClickHouse server'
      engine = { name, version, database }
    })
  // One statement a request: the server takes no more.
  const createTables = async () => {
    for (const query of Object.values(TABLES)) await client.command({ query })
  }

  return {
    prepare,
    engine: () => engine,
    state: () => trouble,
    ping: () =>
      asked(async () => {
        const pong = await client.ping({ select: true })
        if (!pong.success) throw pong.error
      }),

    /** Values are parameters, never part of the text. */
    select: <Row>(query: string, query_params: Record<string, unknown>): Promise<Row[]> =>
      asked(async () => {
        const answer = await client.query({ query, query_params, format: 'JSONEachRow' })
        return answer.json<Row>()
      }),

    /** Resolves when all rows are stored. The orders last: an order that is there has its items. */
    insert: (rows: Rows): Promise<void> =>
      asked(async () => {
        for (const table of ['order_items', 'bills', 'orders'] as const) {
          if (rows[table].length > 0)
            await client.insert({ table, values: rows[table] as object[], format: 'JSONEachRow' })
        }
      }),

    /** The orders among these that are stored, as they are now. */
    async orders(ids: string[]): Promise<OrderRow[]> {
      if (ids.length === 0) return []
      return this.select<OrderRow>(
        `SELECT order_id, user_id, restaurant_id, owner_id, toString(total_amount) AS total_amount, status,
           toUnixTimestamp(created_at) AS created_at, toUnixTimestamp(updated_at) AS updated_at,
           toString(event_date) AS event_date, version
         FROM orders FINAL WHERE order_id IN {ids: Array(String)}`,
        { ids },
      )
    },

    /** Forgets every row, for a rebuild from the topics. */
    empty: () =>
      asked(async () => {
        for (const table of Object.keys(TABLES)) await client.command({ query: `TRUNCATE TABLE ${table}` })
      }),

    close: () => client.close(),
  }
}

const quoted = (name: string) => `\`${name.replaceAll('`', '\\`')}\``
