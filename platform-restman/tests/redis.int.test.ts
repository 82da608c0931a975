import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { createOtp, GUESSES } from '../services/auth-service/otp.ts'
import { createMenuCache } from '../services/restaurant-service/menu-cache.ts'
import { openRedis } from '../shared/redis/client.ts'
import { type Account, createSessions } from '../shared/redis/sessions.ts'

joinRunDir()
const place = await serverKinds.redis.place(sharedServer('redis'), { part: 'redis-test' })
const redis = openRedis(serverKinds.redis.env(place).REDIS_URL!, createLog('test', 'silent'))
await waitFor('redis', () => redis.state() === 'ok')
afterAll(async () => {
  await redis.close()
  await place.close()
})

const ME = '192.0.2.1'
const STRANGER = '198.51.100.1'
const otp = createOtp(redis, { secret: 'a-secret-of-thirty-two-characters', mailsPerHour: 5 })
let people = 0
const newEmail = () => `person-${people++}@example.com`
const other = (code: string, by = 1) => String((Number(code) + by) % 1_000_000).padStart(6, '0')

const keysLike = (pattern: string) =>
  redis.run(async (client) => {
    const found: string[] = []
    for await (const keys of client.scanIterator({ MATCH: pattern })) found.push(...keys)
    return found
  })

/** Everything that Redis holds, as a thief would have it. */
async function allOfRedis(): Promise<string> {
  const keys = await keysLike('*')
  return redis.run(async (client) => {
    const dumps = await Promise.all(
      keys.map(async (key) =>
        (await client.type(key)) === 'hash' ? JSON.stringify(await client.hGetAll(key)) : client.get(key),
      ),
    )
    return `${keys.join('\n')}\n${dumps.join('\n')}`
  })
}

describe('a code', () => {
  test('is right once, however many try it at the same time', async () => {
    for (let round = 0; round < 20; round++) {
      const email = newEmail()
      const code = (await otp.issue(email))!

      const verdicts = await Promise.all(Array.from({ length: 4 }, () => otp.verify(email, code, ME)))

      expect(verdicts.toSorted()).toEqual(['right', 'wrong', 'wrong', 'wrong'])
    }
  })

  test('can be guessed five times, also at once, and the right one comes too late then', async () => {
    const email = newEmail()
    const code = (await otp.issue(email))!

    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, at) => otp.verify(email, other(code, at + 1), ME)),
    )

    expect(verdicts.filter((verdict) => verdict === 'wrong')).toHaveLength(GUESSES)
    expect(await otp.verify(email, code, ME)).toBe('too-many')
  })

  test('is not burnt by a stranger, who has five guesses and no more', async () => {
    const email = newEmail()
    const code = (await otp.issue(email))!
    for (let at = 1; at <= 8; at++) await otp.verify(email, other(code, at), STRANGER)

    expect(await otp.verify(email, code, STRANGER)).toBe('too-many')
    expect(await otp.verify(email, code, ME)).toBe('right')
  })

  test('stays good when another is asked for, which brings no new guesses', async () => {
    const email = newEmail()
    const first = (await otp.issue(email))!
    for (let at = 1; at < GUESSES; at++) await otp.verify(email, other(first, at), ME)
    const second = (await otp.issue(email))!
    expect(await otp.verify(email, first, STRANGER)).toBe('right')
    expect(await otp.verify(email, second, STRANGER)).toBe('wrong')

    const again = (await otp.issue(email))!
    expect(await otp.verify(email, other(again, 7), ME)).toBe('wrong')
    expect(await otp.verify(email, again, ME)).toBe('too-many')
  })

  test('cannot be guessed by many strangers together', async () => {
    const email = newEmail()
    const code = (await otp.issue(email))!
    const tries = Array.from({ length: 80 }, (_, at) =>
      otp.verify(email, other(code, at + 1), `192.0.2.${at}`),
    )

    const wrong = (await Promise.all(tries)).filter((verdict) => verdict === 'wrong')
    expect(wrong).toHaveLength(50)
  })

  test('is mailed a few times in an hour, until somebody signs in', async () => {
    const email = newEmail()
    const codes = await Promise.all(Array.from({ length: 9 }, () => otp.issue(email)))
    const sent = codes.filter((code) => code !== undefined)
    expect(sent).toHaveLength(5)

    expect(await otp.verify(email, sent[0]!, ME)).toBe('right')
    expect(await otp.issue(email)).toMatch(/^\d{6}$/)
  })

  test('is of its address alone, and ends after five minutes', async () => {
    const [mine, yours] = [newEmail(), newEmail()]
    const code = (await otp.issue(mine))!
    expect(await otp.verify(yours, code, ME)).toBe('wrong')

    const keys = await keysLike('otp:*:codes')
    const leftMs = await redis.run((client) => client.pTTL(keys[0]!))
    expect(leftMs).toBeGreaterThan(290_000)
    expect(leftMs).toBeLessThanOrEqual(300_000)
    // One that was renewed by a later code ends by its own time.
    await redis.run(async (client) => {
      for (const each of keys)
        for (const field of await client.hKeys(each)) await client.hSet(each, field, String(Date.now() - 1))
    })
    expect(await otp.verify(mine, code, STRANGER)).toBe('wrong')
  })

  test('is written down nowhere', async () => {
    const email = newEmail()
    const code = (await otp.issue(email))!

    const all = await allOfRedis()
    expect(all).not.toContain(`"${code}"`)
    expect(all).not.toContain(email)
  })
})

describe('a session', () => {
  const sessions = createSessions(redis, { ttlSeconds: 2 })
  const ada: Account = { user_id: 'ada', email: 'ada@example.com', role: 'customer', version: 1 }

  test('stays open while it is used, and ends when it is not', async () => {
    const token = await sessions.open(ada)
    const startedAt = performance.now()
    await waitFor('three seconds of use', async () => {
      expect(await sessions.find(token)).toMatchObject({ user_id: 'ada' })
      return performance.now() - startedAt > 3_000
    })

    await waitFor('its end', async () => (await keysLike('session:*')).length === 0)
    expect(await sessions.find(token)).toBeUndefined()
  })

  test('knows a role that was given meanwhile, and the newer of two', async () => {
    const token = await sessions.open(ada)
    await sessions.store({ ...ada, role: 'owner', version: 3 })
    await sessions.store({ ...ada, role: 'admin', version: 2 })

    expect(await sessions.find(token)).toMatchObject({ role: 'owner', version: 3 })
  })

  test('is over after a logout, and its name is no token', async () => {
    const [mine, other] = [await sessions.open(ada), await sessions.open(ada)]
    const { session } = (await sessions.find(mine))!
    expect(await sessions.find(session)).toBeUndefined()
    expect(await allOfRedis()).not.toContain(mine)

    await sessions.close(session)

    expect(await sessions.find(mine)).toBeUndefined()
    expect(await sessions.find(other)).toBeDefined()
  })
})

describe('a menu that is kept', () => {
  const cache = createMenuCache(redis)

  test('is not filled by a reader that was slow, before the change commits or after', async () => {
    await cache.fill('r', 1, 'old')
    expect(await cache.find('r')).toBe('old')

    await cache.expect('r', 2)
    expect(await cache.find('r')).toBeUndefined()
    await cache.fill('r', 1, 'old')
    expect(await cache.find('r')).toBeUndefined()

    await cache.fill('r', 2, 'new')
    await cache.fill('r', 1, 'old')
    expect(await cache.find('r')).toBe('new')
  })

  test('is kept for five minutes', async () => {
    await cache.fill('s', 1, 'menu')

    const leftMs = await redis.run((client) => client.pTTL('menu:{s}'))
    expect(leftMs).toBeGreaterThan(290_000)
    expect(leftMs).toBeLessThanOrEqual(300_000)
  })
})
