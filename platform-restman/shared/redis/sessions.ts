import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { createScript, type Redis } from './client.ts'

/** The same in the gateway, which keeps sessions open, and in the auth service, which opens them. */
export const sessionEnv = {
  SESSION_SECONDS: z.coerce
    .number()
    .int()
    .min(2)
    .max(31_536_000)
    .default(86_400)
    .describe('How long a session that is not used stays open, seconds'),
}

/** Who somebody is now. It stands beside the sessions, so that a role given or taken counts in those that are open. */
export interface Account {
  user_id: string
  email: string
  role: string
  restaurant_id?: string
  /** Grows with every change: of two that are stored at the same time the newer one stays. */
  version: number
}

export interface Sessions {
  /** A new session; its token is known to nobody but its owner. */
  open: (account: Account) => Promise<string>
  /** Whose session it is. Being used keeps it open. */
  find: (token: string) => Promise<(Account & { session: string }) | undefined>
  close: (session: string) => Promise<void>
  store: (account: Account) => Promise<void>
}

const sessionKey = (session: string) => `session:${session}`
const accountKey = (userId: string) => `account:${userId}`

const STORE_ACCOUNT = createScript<number>(`
local known = redis.call('GET', KEYS[1])
if known and cjson.decode(known).version > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`)

/** Sessions in Redis, by the digest of their token: who reads Redis cannot sign in. */
export function createSessions(redis: Redis, { ttlSeconds }: { ttlSeconds: number }): Sessions {
  const ttlMs = ttlSeconds * 1_000
  const store = async (account: Account) => {
    const values = [JSON.stringify(account), account.version, ttlMs]
    await redis.run((client) => STORE_ACCOUNT(client, [accountKey(account.user_id)], values))
  }
  return {
    store,
    async open(account) {
      const token = randomBytes(32).toString('base64url')
      await store(account)
      const options = { PX: ttlMs }
      await redis.run((client) => client.set(sessionKey(digest(token)), account.user_id, options))
      return token
    },
    async find(token) {
      const session = digest(token)
      const [userId, leftMs] = await redis.run((client) =>
        Promise.all([client.get(sessionKey(session)), client.pTTL(sessionKey(session))]),
      )
      if (userId === null) return undefined
      const account = await redis.run((client) => client.get(accountKey(userId)))
      if (account === null) return undefined
      // Not at every call: a write costs Redis more than all the rest.
      if (leftMs < ttlMs * 0.9)
        await redis.run((client) =>
          Promise.all([
            client.pExpire(sessionKey(session), ttlMs),
            client.pExpire(accountKey(userId), ttlMs),
          ]),
        )
      return { ...(JSON.parse(account) as Account), session }
    },
    close: async (session) => {
      await redis.run((client) => client.del(sessionKey(session)))
    },
  }
}

const digest = (token: string) => createHash('sha256').update(token).digest('hex')
