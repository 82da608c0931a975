import { z } from 'zod'
import type { Door } from './door.ts'
import { LabError, messageOf } from './errors.ts'
import { shownVariable } from './scrub.ts'

/**
 * Parses the environment once, at start. An empty variable counts as not set. Throws one `LAB_CONFIG_INVALID`
 * that lists every problem with the variable's name and value; a value that may hold a password loses it.
 */
export function parseEnv<Schema extends z.ZodType>(schema: Schema, env: NodeJS.ProcessEnv): z.output<Schema> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    const name = issue.path.join('.')
    return set[name] === undefined
      ? `${name} is not set: ${issue.message}`
      : `${shownVariable(name, set[name])}: ${issue.message}`
  })
  throw new LabError('LAB_CONFIG_INVALID', problems.join('\n'))
}

const port = z.coerce.number().int().min(0).max(65_535)

/** Reads `name=url,name=url`. Throws an error that names the wrong part. */
function parsePeers(text: string): Record<string, string> {
  const named = text.split(',').filter((entry) => entry.trim() !== '')
  const entries = named.map((entry) => {
    const [name = '', url = ''] = entry.split(/=(.*)/s).map((side) => side.trim())
    if (!/^[\w-]+$/.test(name) || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new Error(
        `'${entry.trim()}' is not a name and an http address such as order-service=http://127.0.0.1:8000`,
      )
    return [name, url]
  })
  return Object.fromEntries(entries)
}

const peersAt = (ports: Record<string, number>) =>
  Object.entries(ports)
    .map(([name, at]) => `${name}=http://127.0.0.1:${at}`)
    .join(',')

/** The variables every service reads. `defaultPort` is the seed's port of this service, `peers` those of the others. */
export const serviceEnv = (defaultPort: number, peers: Record<string, number> = {}) => ({
  PEERS: z
    .string()
    .default(peersAt(peers))
    .transform((text, ctx) => {
      try {
        return parsePeers(text)
      } catch (err) {
        ctx.addIssue({ code: 'custom', message: messageOf(err) })
        return z.NEVER
      }
    })
    .describe('The other services of the part, name=address separated by commas; `/` links to them'),
  HOST: z.string().default('127.0.0.1').describe('Address the HTTP server binds to'),
  PORT: port.default(defaultPort).describe('Port of the HTTP server; 0 takes a free one'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is written'),
  SHUTDOWN_DEADLINE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(10_000)
    .describe('Longest graceful stop, milliseconds; then exit 1'),
  ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: 'must be 1 to 255 visible ASCII characters' })
    .optional()
    .describe(
      'What `/admin` asks for as `Authorization: Bearer`, from everywhere; without it only programs on this machine may call `/admin`',
    ),
  MAX_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(16)
    .max(65_536)
    .default(4_096)
    .describe(
      'Most open HTTP connections; beyond them the one that has longest sent no whole request is closed',
    ),
})

/** How a service's HTTP door is set, as its environment says. */
export const doorOf = (env: { ADMIN_TOKEN?: string | undefined; MAX_CONNECTIONS: number }): Door => ({
  adminToken: env.ADMIN_TOKEN,
  maxConnections: env.MAX_CONNECTIONS,
})

export const dataDirEnv = {
  DATA_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of the SQLite file; without it state is in memory, up to 1 GiB, and gone with the process',
    ),
}
