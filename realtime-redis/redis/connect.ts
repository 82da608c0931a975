import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createClient, type RedisClientType } from 'redis'
import { z } from 'zod'
import type { Script } from './scripts.ts'

/** The variables of everything that talks to Redis. */
export const redisEnv = {
  REDIS_HOST: z.string().min(1).default('127.0.0.1').describe('Host of Redis'),
  REDIS_PORT: z.coerce.number().int().min(1).max(65_535).default(6379).describe('Port of Redis'),
  REDIS_USERNAME: z.string().default('default').describe('Name for Redis'),
  REDIS_PASSWORD: z.string().optional().describe('Password for Redis, when it asks for one'),
  REDIS_DB: z.coerce.number().int().min(0).default(0).describe('Number of the database'),
  REDIS_TLS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe('Whether to speak TLS; a certificate of your own is trusted through NODE_EXTRA_CA_CERTS'),
  REDIS_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(30_000)
    .default(1_000)
    .describe('Longest silence of Redis, milliseconds; then its connection is given up'),
}
export type RedisEnv = z.output<z.ZodObject<typeof redisEnv>>

export interface Connection {
  /** `ok`, or why not. */
  state: () => string
  run: (script: Script, ...args: (string | number)[]) => Promise<unknown>
  get: (key: string) => Promise<string | null>
  /** Hears every message of a channel while it is connected, and `onConnected` each time it is from then on. */
  subscribe: (channel: string, onMessage: () => void, onConnected: () => void) => void
  close: () => Promise<void>
}

export type Client = RedisClientType

/** A client that comes back by itself unless told otherwise, answers within the time-out or fails, and queues nothing while it is away. */
export function clientOf(env: RedisEnv, name: string, { comesBack = true } = {}): Client {
  return createClient({
    username: env.REDIS_USERNAME,
    ...(env.REDIS_PASSWORD !== undefined && { password: env.REDIS_PASSWORD }),
    database: env.REDIS_DB,
    name,
    // What Redis 7.0 does not know yet, no ACL can allow.
    disableClientInfo: true,
    disableOfflineQueue: true,
    // A timer of each command's own would cost more than the command: the time-out of the socket is enough.
    commandOptions: { timeout: 0 },
    // Without traffic a connection would be silent, too.
    pingInterval: Math.floor(env.REDIS_TIMEOUT_MS / 3),
    socket: {
      host: env.REDIS_HOST,
      port: env.REDIS_PORT,
      ...(env.REDIS_TLS && { tls: true as const }),
      connectTimeout: env.REDIS_TIMEOUT_MS,
      // A command that a frozen server has taken ends with its connection, by nothing else.
      socketTimeout: env.REDIS_TIMEOUT_MS,
      reconnectStrategy: (attempt: number) =>
        comesBack && Math.min(50 * 2 ** attempt, 500) + Math.random() * 50,
    },
  }) as Client
}

/** Never rejects: while Redis is away every call does. */
export function connectRedis(env: RedisEnv, name: string, log: Logger): Connection {
  const [client, subscriber] = [clientOf(env, name), clientOf(env, `${name}-events`)]
  let why = 'connecting'
  for (const one of [client, subscriber]) {
    one.on('error', (err) => {
      const reason = reasonOf(err)
      if (reason !== why) log.warn({ err }, 'redis_failed')
      why = reason
    })
    one.on('ready', () => {
      why = 'ok'
      log.info('redis_connected')
    })
    one.connect().catch((err) => {
      why = reasonOf(err)
    })
  }

  const asked = async <Answer>(call: Promise<Answer>): Promise<Answer> => {
    try {
      return await call
    } catch (err) {
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `Redis: ${reasonOf(err)}`, {
        retryable: true,
        cause: err,
      })
    }
  }
  const evaluate = async ({ sha, text }: Script, args: string[]) => {
    try {
      return await client.evalSha(sha, { arguments: args })
    } catch (err) {
      if (!messageOf(err).startsWith('NOSCRIPT')) throw err
      return client.eval(text, { arguments: args })
    }
  }
  return {
    state: () => (client.isReady && subscriber.isReady ? 'ok' : why === 'ok' ? 'reconnecting' : why),
    run: (script, ...args) => asked(evaluate(script, args.map(String))),
    get: (key) => asked(client.get(key)),
    subscribe: (channel, onMessage, onConnected) => {
      const subscribe = () => {
        subscriber.subscribe(channel, onMessage).then(onConnected, (err) => {
          // The connection that follows does it; one that is not allowed to says so here.
          why = reasonOf(err)
        })
      }
      subscriber.on('ready', subscribe)
      if (subscriber.isReady) subscribe()
    },
    close: async () => {
      client.destroy()
      subscriber.destroy()
    },
  }
}

/** An address with several numbers fails with an error of errors, which has no message of its own. */
const reasonOf = (err: unknown): string => messageOf(err) || String((err as NodeJS.ErrnoException).code)
