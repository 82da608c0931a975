import { setTimeout as sleep } from 'node:timers/promises'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { request } from 'undici'
import { z } from 'zod'
import type { Projection, Replay } from '../../wire/views.ts'
import type { LaneSource } from '../flow/lanes.ts'

const CALL_MS = 5_000
const EVERY_MS = 250
const LONGEST_MS = 600_000

const Report = z.object({
  orders_total: z.int(),
  reserved_total: z.int(),
  failed_total: z.int(),
  projection_hash: z.string(),
  replay: z.object({ replaying: z.boolean(), processed: z.int(), remaining: z.int() }),
})

/**
 * Lets the analytics service forget all it has counted and read the log again from its beginning. The same log gives the same
 * hash; orders that come meanwhile change it, and are told apart by their number.
 */
export function createReplay(publish: (replay: Replay) => void) {
  const running = new Set<string>()
  const stopping = new AbortController()

  const report = async ({ urls }: LaneSource) => {
    const { statusCode, body } = await request(`${urls.third}/metrics`, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(CALL_MS),
    })
    const text = await body.text()
    if (statusCode !== 200)
      throw new LabError(
        'LAB_DEPENDENCY_UNAVAILABLE',
        `analytics answered ${statusCode}: ${text.slice(0, 200)}`,
      )
    return Report.parse(JSON.parse(text))
  }
  const begin = async ({ urls, adminToken }: LaneSource) => {
    const { statusCode, body } = await request(`${urls.third}/admin/reset-offsets`, {
      method: 'POST',
      headers: adminToken ? { authorization: `Bearer ${adminToken}` } : {},
      signal: AbortSignal.timeout(CALL_MS),
    })
    const text = await body.text()
    if (statusCode !== 202)
      throw new LabError(
        'LAB_DEPENDENCY_UNAVAILABLE',
        `analytics answered ${statusCode}: ${text.slice(0, 200)}`,
      )
  }
  const follow = async (lane: LaneSource, replay: Replay) => {
    const begun = performance.now()
    for (;;) {
      await sleep(EVERY_MS, undefined, { signal: stopping.signal })
      const seen = await report(lane)
      Object.assign(replay, seen.replay, { seconds: (performance.now() - begun) / 1_000 })
      if (!seen.replay.replaying) return finish(replay, projectionOf(seen))
      if (performance.now() - begun > LONGEST_MS) throw new Error('it takes longer than ten minutes')
      publish(shownOf(replay))
    }
  }

  return {
    start: async (lane: LaneSource): Promise<Replay> => {
      if (running.has(lane.name))
        throw new LabError('LAB_CONFLICT', `${lane.name} is reading its log again already`)
      running.add(lane.name)
      try {
        const before = projectionOf(await report(lane))
        await begin(lane)
        const replay: Replay = {
          part: lane.name,
          state: 'reading',
          before,
          processed: 0,
          remaining: 0,
          after: null,
          seconds: 0,
          text: 'reading the log from its beginning',
        }
        void follow(lane, replay)
          .catch((err) => Object.assign(replay, { state: 'failed', text: messageOf(err) }))
          .finally(() => {
            running.delete(lane.name)
            publish(shownOf(replay))
          })
        return shownOf(replay)
      } catch (err) {
        running.delete(lane.name)
        throw err
      }
    },
    close: () => stopping.abort(),
  }
}

export function finish(replay: Replay, after: Projection): void {
  replay.state = 'done'
  replay.after = after
  replay.remaining = 0
  if (after.hash === replay.before.hash)
    replay.text = 'the same hash: the same log, counted again, is the same projection'
  else if (after.orders > replay.before.orders || decided(after) > decided(replay.before))
    replay.text = 'another hash, and more events than before: some came meanwhile. Replay at rest to compare'
  else
    replay.text =
      'another hash over the same number of events: the projection does not follow from the log alone'
}

const decided = ({ reserved, failed }: Projection) => reserved + failed

const projectionOf = (report: z.infer<typeof Report>): Projection => ({
  hash: report.projection_hash,
  orders: report.orders_total,
  reserved: report.reserved_total,
  failed: report.failed_total,
})

const shownOf = (replay: Replay): Replay => ({ ...replay })
