import { messageOf } from '@lab/kit/errors.ts'
import { request } from 'undici'
import type { LogLine, Story } from '../../wire/flow.ts'
import type { LaneSource } from './lanes.ts'
import { linesAbout } from './log-lines.ts'
import type { Tracker } from './tracker.ts'

const CALL_MS = 3_000

/**
 * All there is to know of one order: what was seen of it, what its order service answers now, and the lines that the
 * services wrote about it. An order that was not followed has no hops, and its lines and its state all the same.
 */
export async function storyOf(
  order: string,
  { lanes, tracker }: { lanes: readonly LaneSource[]; tracker: Pick<Tracker, 'story'> },
): Promise<Story> {
  const seen = tracker.story(order)
  const candidates = seen ? lanes.filter(({ name }) => name === seen.lane) : lanes
  const answers = await Promise.all(
    candidates.map(async (lane) => ({ lane, now: await askFor(lane, order) })),
  )
  const found = answers.find(({ now }) => now !== null) ?? (seen ? answers[0] : undefined)
  const hops = [...(seen?.hops ?? [])]
  const ids = [order, ...new Set(hops.flatMap(({ messageId }) => messageId ?? []))]
  const log = found ? await logOf(found.lane, ids) : { lines: [] }
  const traceparent = hops.find((hop) => hop.traceparent !== undefined)?.traceparent
  return {
    order,
    lane: found?.lane.name ?? null,
    now: found?.now ?? null,
    hops,
    log: log.lines,
    ...(log.missing !== undefined && { logMissing: log.missing }),
    trace: traceparent?.split('-')[1] ?? null,
  }
}

async function askFor({ urls }: LaneSource, order: string): Promise<Record<string, unknown> | null> {
  try {
    const { statusCode, body } = await request(`${urls.intake}/orders/${encodeURIComponent(order)}`, {
      signal: AbortSignal.timeout(CALL_MS),
    })
    const answer = (await body.json()) as Record<string, unknown>
    return statusCode === 200 ? answer : null
  } catch {
    // The service is away: what was seen of the order is shown without it.
    return null
  }
}

async function logOf({ logs }: LaneSource, ids: string[]): Promise<{ lines: LogLine[]; missing?: string }> {
  const files = Object.values(logs)
  if (files.length === 0)
    return { lines: [], missing: 'the services do not run here: their logs are where they are' }
  try {
    const lines = (await Promise.all(files.map((file) => linesAbout(file, ids)))).flat()
    return { lines: lines.sort((a, b) => a.at - b.at) }
  } catch (err) {
    return { lines: [], missing: messageOf(err) }
  }
}
