import { parseArgs } from 'node:util'
import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import { type Client, clientOf, type RedisEnv, redisEnv } from '../redis/connect.ts'

/** What a command is given, as `CommandIo` of the command line has it. */
export interface Io {
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  print(line: string): void
  say(line: string): void
}

const help = (name: string, about: string) => `Usage: npm run lab -- redis ${name} [options]

${about}

  --url URL   redis://user:password@host:port/database, or rediss; by default what
              REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD, REDIS_DB and REDIS_TLS say
  --help      this text`

interface Command {
  name: string
  about: string
  args: string[]
  io: Io
  /** Gives the exit code. */
  work(env: RedisEnv): Promise<number>
}

/** Exit code 2 for a wrong use. */
export async function runCommand({ name, about, args, io, work }: Command): Promise<number> {
  let env: RedisEnv
  try {
    const { values } = parseArgs({ args, options: { url: { type: 'string' }, help: { type: 'boolean' } } })
    if (values.help) {
      io.print(help(name, about))
      return 0
    }
    const set = Object.entries(values.url === undefined ? io.env : envOf(values.url))
    env = z.object(redisEnv).parse(Object.fromEntries(set.filter(([, value]) => value !== '')))
  } catch (err) {
    const why = err instanceof z.ZodError ? z.prettifyError(err) : messageOf(err)
    io.say(`${why}\n\n${help(name, about)}`)
    return 2
  }
  return work(env)
}

function envOf(text: string): Record<string, string> {
  const url = URL.parse(text)
  if (url === null || !/^rediss?:$/.test(url.protocol))
    throw new Error(`--url ${text}: no redis:// or rediss:// URL`)
  return {
    REDIS_HOST: url.hostname,
    REDIS_PORT: url.port,
    REDIS_USERNAME: decodeURIComponent(url.username),
    REDIS_PASSWORD: decodeURIComponent(url.password),
    REDIS_DB: url.pathname.slice(1),
    REDIS_TLS: String(url.protocol === 'rediss:'),
  }
}

export const addressOf = ({ REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_USERNAME }: RedisEnv) =>
  `${REDIS_HOST}:${REDIS_PORT}, database ${REDIS_DB}, as ${REDIS_USERNAME}`

/** Connects once or fails; the client ends with the work. */
export async function withRedis<Result>(
  env: RedisEnv,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = clientOf(env, 'lab-tool', { comesBack: false })
  client.on('error', () => {
    // Whoever asks hears of it.
  })
  try {
    await client.connect()
    return await work(client)
  } finally {
    client.destroy()
  }
}

/** What people should look at, by what Redis or the network says. */
export function causeOf(err: unknown): string {
  const said = `${(err as NodeJS.ErrnoException).code ?? ''} ${messageOf(err)} ${messageOf((err as Error).cause ?? '')}`
  return CAUSES.find(([pattern]) => pattern.test(said))?.[1] ?? 'unknown; the log of Redis may say more'
}

const CAUSES: [RegExp, string][] = [
  [
    /WRONGPASS|invalid username-password/i,
    'REDIS_USERNAME or REDIS_PASSWORD is wrong: compare them with the ACL file, and copy the password whole. On Redis Cloud the user is usually "default"',
  ],
  [/NOAUTH/i, 'Redis asks for a password and none was given: set REDIS_USERNAME and REDIS_PASSWORD'],
  [/NOPERM|user executing/i, 'the user may not do this: compare its rules with redis/users.acl'],
  [/LOADING/i, 'Redis is reading its data from disk: wait, then try again'],
  [/MISCONF/i, 'Redis cannot write to its disk: look at its log and at the space that is left'],
  [/OOM/i, 'Redis has reached maxmemory: give it more, or a smaller EVENTS_KEPT'],
  [/READONLY/i, 'this is a replica: connect to its primary'],
  [/out of range/i, 'there is no database of this number: REDIS_DB'],
  [/ENOTFOUND|EAI_AGAIN/i, 'no such host: REDIS_HOST'],
  [/ECONNREFUSED/i, 'nothing listens there: is Redis running, and is REDIS_PORT its port?'],
  [
    /timeout|ETIMEDOUT|EHOSTUNREACH/i,
    'nobody answers: a firewall, an IP address that is not on the list of allowed ones (Redis Cloud: Security), or a Redis that hangs',
  ],
  [
    /SSL|TLS|wrong version number|certificate|ECONNRESET|closed unexpectedly/i,
    'one side speaks TLS and the other does not (REDIS_TLS), or the certificate is not trusted (NODE_EXTRA_CA_CERTS)',
  ],
]

export function table(columns: string[], rows: (string | number)[][]): string[] {
  const cells = [columns, ...rows.map((row) => row.map(String))]
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]!.length)))
  const line = (row: string[]) => `  ${row.map((cell, at) => cell.padEnd(widths[at]!)).join('  ')}`.trimEnd()
  return [line(columns), line(widths.map((width) => '─'.repeat(width))), ...cells.slice(1).map(line)]
}
