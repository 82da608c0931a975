import type { LabError } from '@lab/kit/errors.ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { command } from './command.ts'
import { loadConfig } from './config.ts'
import { clientOf } from './overview-routes.ts'
import { cached } from './state.ts'

const Respond = command({
  accept: z.boolean(),
  notes: z.string().optional(),
  estimated_time: z.number().optional(),
})
const read = (query: object, body?: object | null) => {
  const parsed = { query: Respond.schema.querystring.parse(query), body: Respond.schema.body.parse(body) }
  return Respond.read(parsed)
}
const fieldOf = (work: () => unknown) => {
  try {
    work()
  } catch (err) {
    return (err as LabError).errors?.map(({ field }) => field).join()
  }
  return undefined
}

test('a command is taken from the query, from the body, and from both where they agree', () => {
  const said = { accept: true, notes: 'hot', estimated_time: 30 }
  expect(read({ accept: 'true', notes: 'hot', estimated_time: '30' })).toEqual(said)
  expect(read({}, said)).toEqual(said)
  expect(read({ accept: 'true' }, { notes: 'hot', estimated_time: 30 })).toEqual(said)
  expect(read({ accept: 'true', notes: 'hot', estimated_time: '30' }, said)).toEqual(said)
  expect(read({ accept: 'false', notes: '', estimated_time: '' }, { notes: null })).toEqual({ accept: false })
})

test('a command that contradicts itself, or says too little, is refused by the name of the field', () => {
  expect(fieldOf(() => read({ accept: 'true' }, { accept: false }))).toBe('accept')
  expect(fieldOf(() => read({ estimated_time: '30' }, { accept: true, estimated_time: 31 }))).toBe(
    'estimated_time',
  )
  expect(fieldOf(() => read({ notes: 'x' }))).toBe('accept')
  expect(() => read({ accept: 'yes' })).toThrow()
  expect(() => read({ accept: 'true', colour: 'red' })).toThrow()
})

test('a state is made once in five seconds, for all who ask, and a failure is not kept', async () => {
  let now = 0
  let made = 0
  const states = cached<number>(() => now)
  const ask = () => states('all', async () => ++made)
  expect(await Promise.all([ask(), ask()])).toEqual([
    { value: 1, ageSeconds: 0 },
    { value: 1, ageSeconds: 0 },
  ])
  now = 4_999
  expect(await ask()).toEqual({ value: 1, ageSeconds: 4 })
  now = 5_000
  expect(await ask()).toEqual({ value: 2, ageSeconds: 0 })
  const failed = states('other', () => Promise.reject(new Error('away')))
  await expect(failed).rejects.toThrow('away')
  expect(await states('other', async () => 7)).toMatchObject({ value: 7 })
  for (let key = 0; key < 100; key++) await states(String(key), async () => key)
  expect(await states('99', async () => -1)).toMatchObject({ value: 99 })
})

/** What one client can find by trying all it is let try, day by day, as long as orders are live. */
test('ten thousand live orders cannot be found by trying', () => {
  const { TRACK_GUESSES: guesses } = loadConfig({})
  const hit = 10_000 / 10 ** 8
  const onADay = 1 - (1 - hit) ** guesses
  expect(onADay).toBeLessThan(0.0021)
  const daysToOne = Math.log(0.5) / Math.log(1 - onADay)
  expect(daysToOne).toBeGreaterThan(300)
  // One in ten thousand of them, at even odds, takes one client most of a year; all of them longer than anything lives.
  const foundInAYear = 365 * guesses * hit
  expect(foundInAYear / 10_000).toBeLessThan(0.0001)
  const suppliersHit = 10_000 / 32 ** 8
  expect(365 * guesses * suppliersHit).toBeLessThan(0.0001)
})

test('a client is an IPv4 address, or the first half of an IPv6 one', () => {
  expect(clientOf('192.0.2.7')).toBe('192.0.2.7')
  expect(clientOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(clientOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64')
  expect(clientOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
  expect(clientOf('::1')).toBe('0:0:0:0::/64')
})

test.each([
  ['TIME_ZONE', 'Mars/Olympus'],
  ['ALLOWED_ORIGINS', 'localhost'],
  ['MAX_SOCKETS', '0'],
  ['REDIS_TLS', 'yes'],
])('%s=%s does not start', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name)
})
