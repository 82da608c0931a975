import { createHash } from 'node:crypto'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createClient } from 'redis'

type Client = ReturnType<typeof createClient>

export interface Redis {
  /** Each call is bounded; one that fails for want of Redis is a `LabError` that says so. */
  run: <T>(call: (client: Client) => Promise<T>) => Promise<T>
  state: () => 'ok' | 'unreachable'
  close: () => Promise<void>
}

const CALL_MS = 2_000
const RECONNECT_MS = 250

/** Connects in the background, and again whenever the connection is lost. */
export function openRedis(url: string, log: Logger): Redis {
  const client = createClient({
    url,
    // Who asks while Redis is away hears so at once.
    disableOfflineQueue: true,
    pingInterval: CALL_MS / 2,
    // Only this ends a call that a server which hangs has got already.
    socket: { connectTimeout: CALL_MS, socketTimeout: CALL_MS, reconnectStrategy: () => RECONNECT_MS },
  })
  let wasReady = false
  client.on('ready', () => {
    wasReady = true
    log.info('redis connected')
  })
  client.on('error', (err) => {
    if (wasReady) log.warn({ err }, 'redis lost')
    wasReady = false
  })
  client.connect().catch((err) => log.error({ err }, 'redis refused'))
  return {
    run: async (call) => {
      try {
        return await call(client as Client)
      } catch (err) {
        throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `Redis: ${messageOf(err)}`, {
          retryable: true,
          cause: err,
        })
      }
    },
    state: () => (client.isReady ? 'ok' : 'unreachable'),
    close: async () => client.destroy(),
  }
}

/** A script, which Redis runs as a whole: nothing comes between its reads and its writes. */
export function createScript<Result>(lua: string) {
  const sha = createHash('sha1').update(lua).digest('hex')
  return async (client: Client, keys: string[], values: (string | number)[]): Promise<Result> => {
    const options = { keys, arguments: values.map(String) }
    try {
      return (await client.evalSha(sha, options)) as Result
    } catch (err) {
      if (!messageOf(err).startsWith('NOSCRIPT')) throw err
      return (await client.eval(lua, options)) as Result
    }
  }
}
