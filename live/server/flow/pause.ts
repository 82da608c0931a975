import { LabError } from '@lab/kit/errors.ts'
import { request } from 'undici'
import type { LaneSource } from './lanes.ts'

/** Longer than anyone looks at one message. */
const HOLD_SECONDS = 3_600
/** A page that is closed and forgotten does not leave the lab standing still. */
const TTL_SECONDS = 900
const CALL_MS = 3_000

export type Place = 'inventory' | 'third'

/**
 * Holds the consumers of a lane by their own delay switch: a service with a delay takes one message at a time, and holds it.
 * Setting the same delay again ends the wait of the message in hand, and of no other: that is one step. A stream reader
 * holds one message of each of its partitions, and lets go of those together.
 */
export function createPause(lanes: readonly LaneSource[]) {
  const laneOf = (name: string) => {
    const lane = lanes.find((one) => one.name === name)
    if (!lane) throw new LabError('LAB_NOT_FOUND', `There is no lane '${name}' here`)
    if (lane.kind === 'http')
      throw new LabError(
        'LAB_REQUEST_INVALID',
        `${name}: a blocking call cannot be held, its caller gives up after some seconds; use the delay switch to see that`,
      )
    return lane
  }
  const setDelay = async (name: string, place: Place, seconds: number) => {
    const lane = laneOf(name)
    const answer = await request(`${lane.urls[place]}/admin/delay`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(lane.adminToken && { authorization: `Bearer ${lane.adminToken}` }),
      },
      body: JSON.stringify(seconds > 0 ? { seconds, ttl_seconds: TTL_SECONDS } : { seconds }),
      signal: AbortSignal.timeout(CALL_MS),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200)
      throw new LabError(
        'LAB_DEPENDENCY_UNAVAILABLE',
        `${lane.services[place]} answered ${answer.statusCode}: ${text.slice(0, 200)}`,
      )
  }
  return {
    hold: (lane: string, place: Place) => setDelay(lane, place, HOLD_SECONDS),
    step: (lane: string, place: Place) => setDelay(lane, place, HOLD_SECONDS),
    release: (lane: string, place: Place) => setDelay(lane, place, 0),
  }
}
