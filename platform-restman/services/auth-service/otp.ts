import { createHash, createHmac, randomInt } from 'node:crypto'
import { createScript, type Redis } from '../../shared/redis/client.ts'

/** How long a code is good, and within how much time guesses and mails are counted. */
export const CODE_SECONDS = 300
export const GUESS_SECONDS = 900
const MAIL_SECONDS = 3_600

/** Of one client at one address. */
export const GUESSES = 5
/** Of everybody at one address: clients are many where somebody means harm. */
const GUESSES_OF_ALL = 50

export type Verdict = 'right' | 'wrong' | 'too-many'

export interface Otp {
  /** A new code for the address, or undefined when it was sent its share of mails. An earlier code stays as good as it is. */
  issue: (email: string) => Promise<string | undefined>
  /** Each code is right once, also when it is tried many times at once. */
  verify: (email: string, code: string, client: string) => Promise<Verdict>
}

/** Counts the mail and keeps the digest of the code, with its end. */
const ISSUE = createScript<number>(`
local codes, mails = KEYS[1], KEYS[2]
local digest, code_ms, mail_ms, max_mails = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if tonumber(redis.call('GET', mails) or '0') >= max_mails then return 0 end
if redis.call('INCR', mails) == 1 then redis.call('PEXPIRE', mails, mail_ms) end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', codes, digest, string.format('%.0f', now + code_ms))
redis.call('PEXPIRE', codes, code_ms)
return 1`)

/**
 * Guesses are counted for each client, so that a stranger's do not burn the code of whom it was sent to, and none is compared
 * beyond the bound. Neither a wrong guess nor a new code takes a code away; the right one takes all of them.
 */
const VERIFY = createScript<number>(`
local codes, mails, own, all = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local digest, guess_ms, max_own, max_all = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local guessed = tonumber(redis.call('GET', own) or '0')
if guessed >= max_own or tonumber(redis.call('GET', all) or '0') >= max_all then return 2 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = redis.call('HGET', codes, digest)
if ends and tonumber(ends) > now then
  redis.call('DEL', codes, mails, own)
  return 1
end
for _, key in ipairs({ own, all }) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, guess_ms) end
end
return 0`)

const VERDICTS: Verdict[] = ['wrong', 'right', 'too-many']

export function createOtp(
  redis: Redis,
  { secret, mailsPerHour }: { secret: string; mailsPerHour: number },
): Otp {
  // A digest alone is no secret: a million codes are tried in a second.
  const digestOf = (email: string, code: string) =>
    createHmac('sha256', secret).update(`otp:${email}:${code}`).digest('hex')
  // In braces what a Redis cluster keeps in one place.
  const keyOf = (email: string, what: string) => `otp:{${sha256(email)}}:${what}`
  return {
    async issue(email) {
      const code = String(randomInt(1_000_000)).padStart(6, '0')
      const keys = [keyOf(email, 'codes'), keyOf(email, 'mails')]
      const values = [digestOf(email, code), CODE_SECONDS * 1_000, MAIL_SECONDS * 1_000, mailsPerHour]
      const issued = await redis.run((client) => ISSUE(client, keys, values))
      return issued === 1 ? code : undefined
    },
    async verify(email, code, client) {
      const keys = ['codes', 'mails', `guesses:${client}`, 'guesses'].map((what) => keyOf(email, what))
      const values = [digestOf(email, code), GUESS_SECONDS * 1_000, GUESSES, GUESSES_OF_ALL]
      return VERDICTS[await redis.run((connection) => VERIFY(connection, keys, values))]!
    },
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
