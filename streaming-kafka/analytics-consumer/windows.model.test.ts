import { command } from '@lab/kit/testing/command.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Counted } from './counts.ts'
import { RollingCounts } from './windows.ts'

/** Every event there was, in the order of arrival. */
type Model = { at: number; what: Counted }[]
interface Real {
  window: RollingCounts
}

const WIDTH = 5
const KEEP = 4
const KINDS: Counted[] = ['orders', 'reserved', 'failed']
const bucketOf = (at: number) => Math.floor(at / WIDTH)

/** Counted anew each time, from all events. */
function inWindow(events: Model) {
  const newest = Math.max(...events.map(({ at }) => bucketOf(at)))
  return events.filter(({ at }) => bucketOf(at) > newest - KEEP)
}

const countsOf = (events: Model) =>
  Object.fromEntries(KINDS.map((kind) => [kind, events.filter(({ what }) => what === kind).length]))

function agree(events: Model, { window }: Real): void {
  const counted = inWindow(events)
  expect(window.total()?.counts).toEqual(events.length === 0 ? undefined : countsOf(counted))
  const buckets = Map.groupBy(counted, ({ at }) => bucketOf(at) * WIDTH)
  expect(window.buckets()).toEqual(
    [...buckets].sort(([a], [b]) => a - b).map(([from, held]) => ({ from, ...countsOf(held) })),
  )
}

const add = (at: number, what: Counted) =>
  command<Model, Real>(`${what} at ${at}`, (events, real) => {
    real.window.add(at, what)
    events.push({ at, what })
    agree(events, real)
  })

const clear = () =>
  command<Model, Real>('clear', (events, real) => {
    real.window.clear()
    events.length = 0
    agree(events, real)
  })

/** A kill loses the counts; they come back from the log, whose partitions are read in another order. */
const replay = (isReversed: boolean) =>
  command<Model, Real>('a kill and a replay', (events, real) => {
    real.window = new RollingCounts({ widthSeconds: WIDTH, keep: KEEP })
    for (const { at, what } of isReversed ? events.toReversed() : events) real.window.add(at, what)
    agree(events, real)
  })

test('rolling counts agree with counting all events anew, through late events, clears and replays', () => {
  const event = fc.tuple(
    fc.oneof(fc.nat(60), fc.double({ min: 0, max: 60, noNaN: true })),
    fc.constantFrom(...KINDS),
  )
  const commands = fc.commands(
    [
      event.map((args) => add(...args)),
      event.map((args) => add(...args)),
      event.map((args) => add(...args)),
      fc.boolean().map(replay),
      fc.constant(clear()),
    ],
    { maxCommands: 60, size: 'max' },
  )
  fc.assert(
    fc.property(commands, (commands) => {
      const real = { window: new RollingCounts({ widthSeconds: WIDTH, keep: KEEP }) }
      fc.modelRun(() => ({ model: [] as Model, real }), commands)
    }),
  )
})
