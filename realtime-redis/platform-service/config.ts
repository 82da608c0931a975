import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { redisEnv } from '../redis/connect.ts'

const PAGES = [5173, 3000].flatMap((port) => [`http://localhost:${port}`, `http://127.0.0.1:${port}`])
const whole = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback)

export const schema = z.object({
  ...serviceEnv(8000),
  ...redisEnv,
  ALLOWED_ORIGINS: z
    .string()
    .default(PAGES.join(','))
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin)))
    .describe('Where pages may come from that call this service or open WebSockets, separated by commas'),
  TIME_ZONE: z
    .string()
    .default('UTC')
    .refine((zone) => isTimeZone(zone), 'is no time zone such as Europe/Berlin')
    .describe('Whose day it is that `completed_today` speaks of'),
  EVENTS_KEPT: whole(10, 10_000_000, 100_000).describe(
    'Events the stream keeps: how far back a WebSocket can catch up without a snapshot, and the audit trail goes',
  ),
  MAX_SOCKETS: whole(1, 60_000, 2_000).describe('Most open WebSockets; one more is closed with 1013'),
  SOCKET_BUFFER_BYTES: whole(16_384, 100_000_000, 1_048_576).describe(
    'Most bytes that may wait for a slow WebSocket; then it is closed with 1013 and comes back by its `seq`',
  ),
  SOCKET_PING_MS: whole(100, 600_000, 15_000).describe(
    'How often a WebSocket is asked whether it is there, milliseconds; one that has not answered by the next time is cut',
  ),
  TRACK_GUESSES: whole(1, 1_000_000, 20).describe(
    'Unknown ids for tracking that one client may ask for in 24 hours; then it is told nothing for the rest of them',
  ),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}
