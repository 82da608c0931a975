import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import {
  type Answer,
  type Observation,
  type Phase,
  REFUSED_BELOW,
  type Switching,
  WAITS_FROM,
} from '../../wire/switches.ts'
import { Probe } from './probe.ts'

const BEFORE_MS = 3_000
const LOOK_MS = 250
/** A switch that nobody turns back is watched for so long. */
const MOST_MS = 120_000
const RECOVERY_MS = 60_000

export interface Turning {
  id: number
  switching: Switching
  /** Where orders are placed. */
  ordersUrl: string
  turn: () => Promise<unknown>
  turnBack: () => Promise<unknown>
  /** Called again and again with what is known so far. */
  show: (observation: Observation) => void
}

export interface Watching {
  /** Does not wait for the time that was set. */
  putBack(): void
  /** Ends at once; what was switched is put back. */
  close(): void
  readonly ended: Promise<void>
}

/** Orders as before, the switch, orders meanwhile, the switch back, orders until all is as it was. */
export function watch({ id, switching, ordersUrl, turn, turnBack, show }: Turning): Watching {
  const { orders_per_second = 5, hold_seconds } = switching
  const probe = new Probe(ordersUrl, orders_per_second)
  const back = new AbortController()
  const closing = new AbortController()
  const observation = blank(id, switching, orders_per_second)

  const update = (change: Partial<Observation> = {}) => {
    Object.assign(observation, change, {
      before: probe.summary('before'),
      during: probe.summary('during'),
      after: probe.summary('after'),
      lost: probe.lost,
    })
    if (observation.phase !== 'before') observation.answer = answerOf(observation)
    show({ ...observation, samples: [...observation.samples] })
  }
  /** Looks until `isDone`, at the longest for `ms`. */
  const look = async (ms: number, isDone: () => boolean) => {
    const until = performance.now() + ms
    for (let turn = 0; performance.now() < until && !isDone() && !closing.signal.aborted; turn++) {
      await probe.look()
      if (turn % 2 === 0) {
        observation.samples.push([Math.round(probe.seconds * 10) / 10, probe.waiting, probe.refused])
        update()
      }
      await pause(LOOK_MS, closing.signal)
    }
    await probe.look()
  }

  const run = async () => {
    probe.start()
    update()
    await look(BEFORE_MS, () => false)
    if (closing.signal.aborted) return
    probe.enter('during')
    observation.phase = 'during'
    const holdMs = hold_seconds === undefined ? MOST_MS : hold_seconds * 1_000
    await Promise.all([turn(), look(holdMs, () => back.signal.aborted)])
    if (hold_seconds === undefined && !back.signal.aborted && !closing.signal.aborted) return
    probe.enter('after')
    observation.phase = 'recovering'
    const backAt = performance.now()
    let isBack = false
    const turned = turnBack().then(() => {
      isBack = true
    })
    await Promise.all([turned, look(RECOVERY_MS, () => isBack && probe.hasRecovered)])
    if (probe.hasRecovered) observation.recovery_ms = Math.round(performance.now() - backAt)
  }
  const ended = run()
    .catch(async (err: unknown) => {
      observation.trouble = messageOf(err)
      closing.abort()
      await turnBack().catch(() => {})
    })
    .finally(() => {
      probe.close()
      update({ phase: 'over' })
    })
  return {
    putBack: () => back.abort(),
    close: () => {
      back.abort()
      closing.abort()
    },
    ended,
  }
}

/** Which of the three answers it was. A refusal weighs more than a wait. */
export function answerOf({ before, during }: Pick<Observation, 'before' | 'during'>): Answer | null {
  const answered = during.accepted + during.refused
  const waitsMore = during.waiting - before.waiting >= WAITS_FROM
  if (answered > 0 && during.accepted / answered < REFUSED_BELOW) return 'refused'
  if (waitsMore) return 'waits'
  return answered === 0 ? null : 'same'
}

const nothing: Phase = { seconds: 0, sent: 0, accepted: 0, refused: 0, answer_ms: null, waiting: 0 }

const blank = (id: number, switching: Switching, orders_per_second: number): Observation => ({
  id,
  part: switching.part,
  name: switching.name,
  action: switching.action,
  seconds: switching.seconds ?? null,
  predicted: switching.predicted ?? null,
  orders_per_second,
  started_at: Date.now(),
  phase: 'before',
  before: nothing,
  during: nothing,
  after: nothing,
  recovery_ms: null,
  lost: 0,
  answer: null,
  trouble: null,
  samples: [],
})
