import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { Session } from 'chdb'

/**
 * A process of its own: the ClickHouse engine in DATA behind the HTTP interface on PORT, as far as the official client and
 * `curl` use it. It takes any user. Unlike the server it takes several statements in one request: send one each.
 */
const { DATA, PORT } = process.env

const ENGINE = [
  '--date_time_input_format=best_effort',
  '--session_timezone=UTC',
  '--max_threads=2',
  '--max_memory_usage=1000000000',
]
/** A session answers one request after the other; so many of one database are answered at the same time. */
const SESSIONS_PER_DATABASE = 4

/** What belongs to the interface. Every other parameter is a setting of the engine. */
const OF_HTTP =
  /^(query|query_id|database|default_format|user|password|role|quota_key|session_\w+|compress|decompress|wait_end_of_query|buffer_size|stacktrace|enable_http_compression|http_\w+|send_progress_in_http_headers|client_protocol_version|param_.*)$/

/** As the server maps them: what does not exist, and what cannot be understood. The rest is 500. */
const NOT_FOUND = [46, 47, 50, 56, 60, 81, 115]
const BAD_REQUEST = [6, 26, 27, 36, 38, 41, 43, 44, 53, 57, 62, 69, 72, 82, 386, 456]

const first = new Session(DATA, { connectionArgs: ENGINE })
const idle = new Map<string, Session[]>([['default', [first]]])
const opened = new Map<string, number>([['default', 1]])
const waiting = new Map<string, (() => void)[]>()

const server = createServer((request, response) => {
  answer(request, response).catch((err: unknown) => refuse(response, err))
})
server.listen(Number(PORT), '127.0.0.1')

process.once('SIGTERM', () => {
  server.close(() => {
    for (const session of [...idle.values()].flat()) session.close()
  })
  server.closeIdleConnections()
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://door')
  if (request.method === 'GET' && !searchParams.has('query')) {
    response.writeHead(pathname === '/' || pathname === '/ping' ? 200 : 404).end('Ok.\n')
    return
  }
  const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
  const sql = [searchParams.get('query') ?? '', await buffer(body)].join('\n').trim()
  const database = searchParams.get('database') ?? header(request, 'x-clickhouse-database') ?? 'default'
  const format =
    searchParams.get('default_format') ?? header(request, 'x-clickhouse-format') ?? 'TabSeparated'
  const bytes = await withSession(database, async (session) => {
    const settings = [...searchParams].filter(([name]) => !OF_HTTP.test(name))
    try {
      for (const [name, value] of settings) await session.queryAsync(`SET ${name} = '${escaped(value)}'`)
      const parameters = parametersOf(searchParams)
      const result = parameters
        ? await session.queryBindAsync(sql, parameters, { format })
        : await session.queryAsync(sql, { format })
      return result.bytes()
    } finally {
      for (const [name] of settings) await session.queryAsync(`SET ${name} = DEFAULT`).catch(() => {}) // unknown: not set
    }
  })
  response.setHeader('x-clickhouse-query-id', searchParams.get('query_id') ?? '')
  // Where the server has its host's name.
  response.setHeader('x-clickhouse-server-display-name', 'chdb door')
  response.setHeader('x-clickhouse-format', format)
  response.end(bytes)
}

function refuse(response: ServerResponse, err: unknown): void {
  const code = (err as { clickhouseCode?: number }).clickhouseCode ?? 0
  const status = NOT_FOUND.includes(code) ? 404 : BAD_REQUEST.includes(code) ? 400 : 500
  response.writeHead(status, { 'x-clickhouse-exception-code': String(code) })
  response.end(`${(err as Error).message}\n`)
}

/** Values come as in a line of TSV. Undefined without any: binding costs. */
function parametersOf(search: URLSearchParams): Record<string, string> | undefined {
  const parameters = [...search].filter(([name]) => name.startsWith('param_'))
  if (parameters.length === 0) return undefined
  return Object.fromEntries(
    parameters.map(([name, value]) => [name.slice('param_'.length), unescaped(value)]),
  )
}

function unescaped(value: string): string {
  const names: Record<string, string> = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', 0: '\0' }
  return value.replaceAll(/\\(.)/gs, (_, letter: string) => names[letter] ?? letter)
}

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Lends a session that has `database` for its own. */
async function withSession<T>(database: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await take(database)
  try {
    return await work(session)
  } finally {
    idle.set(database, [...(idle.get(database) ?? []), session])
    waiting.get(database)?.shift()?.()
  }
}

async function take(database: string): Promise<Session> {
  while (true) {
    const session = idle.get(database)?.pop()
    if (session) return session
    const count = opened.get(database) ?? 0
    if (count < SESSIONS_PER_DATABASE) {
      opened.set(database, count + 1)
      return open(database)
    }
    const free = Promise.withResolvers<void>()
    waiting.set(database, [...(waiting.get(database) ?? []), free.resolve])
    await free.promise
  }
}

async function open(database: string): Promise<Session> {
  const session = new Session(DATA, { connectionArgs: ENGINE })
  try {
    await session.queryAsync(`USE \`${database.replaceAll('`', '\\`')}\``)
    return session
  } catch (err) {
    session.close()
    opened.set(database, (opened.get(database) ?? 1) - 1)
    throw err
  }
}
