import { createLog } from '@lab/kit/log.ts'
import { expect, test } from 'vitest'
import type { Db } from '../../shared/db/db.ts'
import type { Lease } from './lease.ts'
import { startRunner } from './runner.ts'

test('asks again when the table of what is due is not there yet', async () => {
  const done = Promise.withResolvers<void>()
  let asked = 0
  const query = async () => {
    if (++asked < 3) throw new Error('relation "jobs" does not exist')
    return []
  }
  const lease = { take: async () => true, isOurs: () => true, release: async () => {} } as unknown as Lease
  const run = async () => {
    done.resolve()
    return 'done'
  }
  const runner = startRunner({
    db: { query } as unknown as Db,
    lease,
    jobs: [{ name: 'one', about: 'the only one', everyMs: 60_000, run }],
    tickMs: 5,
    log: createLog('runner', 'silent'),
  })

  await done.promise
  await runner.close()

  expect(asked).toBeGreaterThanOrEqual(3)
})
