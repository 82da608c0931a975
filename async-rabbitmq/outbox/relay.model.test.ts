import { EventEmitter } from 'node:events'
import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import type { Store } from '@lab/kit/store.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Broker, Connection } from '../broker/connection.ts'
import { createOutbox, OUTBOX_SCHEMA, type Outbox } from './outbox.ts'
import { createRelay, type Relay } from './relay.ts'

const WINDOW = 4
const metrics = createMetrics('test')
const log = createLog('test', 'silent')

type Answer = 'confirmed' | 'refused' | 'returned'
type Confirm = (err: Error | null) => void
interface Sent {
  message_id: string
  confirm: Confirm
}

/** The far end of one connection: what was published on it and has no answer yet. */
class Wire extends EventEmitter {
  readonly sent: Sent[] = []
  readonly seen: string[] = []
  isOpen = true

  publish(
    _exchange: string,
    _key: string,
    _body: Buffer,
    { messageId }: { messageId: string },
    confirm: Confirm,
  ): void {
    if (!this.isOpen) throw new Error('Channel closed')
    this.sent.push({ message_id: messageId, confirm })
    this.seen.push(messageId)
  }

  close(): void {
    this.isOpen = false
    for (const { confirm } of this.sent.splice(0)) confirm(new Error('Channel closed'))
    this.emit('close')
  }
}

interface Model {
  /** Events whose transaction was committed. */
  committed: string[]
  /** What the queue has, once or more often. */
  queue: Set<string>
}
interface Real {
  store: Store
  outbox: Outbox
  relay: Relay
  wire: Wire | undefined
  restart: () => void
}

/** Confirms of one turn are forgotten in the next, which publishes more. */
const settled = async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate)
}

async function agree({ committed, queue }: Model, { outbox, wire }: Real): Promise<void> {
  await settled()
  const waiting = new Set(outbox.after(0, 1_000).map(({ message_id }) => message_id))
  for (const id of committed) expect([id, waiting.has(id) || queue.has(id)]).toEqual([id, true])
  expect(new Set(committed).isSupersetOf(queue.union(waiting))).toBe(true)
  expect(wire?.sent.length ?? 0).toBeLessThanOrEqual(WINDOW)
  expect(wire?.seen ?? []).toEqual(committed.filter((id) => wire?.seen.includes(id)))
}

const store = (count: number, isCommitted: boolean) =>
  asyncCommand<Model, Real>(
    `${count} events, ${isCommitted ? 'stored' : 'rolled back'}`,
    async (model, real) => {
      const events = Array.from({ length: count }, () => anOrderPlaced())
      const work = () => {
        for (const event of events) real.outbox.add(event)
        if (!isCommitted) throw new Error('rolled back')
      }
      try {
        real.store.transaction(work)
        model.committed.push(...events.map(({ id }) => id))
      } catch {
        // As it was meant: nothing of it may ever be published.
      }
      real.relay.wake()
      await agree(model, real)
    },
  )

const answer = (count: number, how: Answer) =>
  asyncCommand<Model, Real>(`${count} are ${how}`, async (model, real) => {
    for (const { message_id, confirm } of real.wire?.sent.splice(0, count) ?? []) {
      if (how === 'confirmed') model.queue.add(message_id)
      if (how === 'returned') real.wire?.emit('return', { properties: { messageId: message_id } })
      confirm(how === 'refused' ? new Error('nack') : null)
    }
    await agree(model, real)
  })

/** Of what has no answer yet, some has arrived all the same. */
function cut(model: Model, real: Real, arrived: boolean[]): void {
  for (const [i, { message_id }] of (real.wire?.sent ?? []).entries())
    if (arrived[i]) model.queue.add(message_id)
  real.wire?.close()
  real.wire = undefined
}

const arrivals = fc.array(fc.boolean(), { minLength: WINDOW, maxLength: WINDOW })

const cutConnection = (arrived: boolean[]) =>
  asyncCommand<Model, Real>('the connection is cut', async (model, real) => {
    cut(model, real, arrived)
    await agree(model, real)
  })

const kill = (arrived: boolean[]) =>
  asyncCommand<Model, Real>('a kill', async (model, real) => {
    cut(model, real, arrived)
    real.restart()
    await agree(model, real)
  })

const connect = () =>
  asyncCommand<Model, Real>('connected', async (model, real) => {
    if (real.wire) return
    const wire = new Wire()
    real.wire = wire
    await real.relay.attach({ createConfirmChannel: async () => wire } as unknown as Connection)
    await agree(model, real)
  })

async function drainsInTheEnd(model: Model, real: Real): Promise<void> {
  cut(model, real, [])
  await connect().run(model, real)
  for (let round = 0; real.outbox.depth() > 0; round++) {
    expect(round).toBeLessThan(100)
    await answer(WINDOW, 'confirmed').run(model, real)
  }
  expect(model.queue).toEqual(new Set(model.committed))
  cut(model, real, [])
}

test('an event leaves the outbox only for the queue, whatever becomes of confirms, connections and the process', async () => {
  const count = fc.integer({ min: 1, max: 6 })
  const how = fc.constantFrom<Answer>('confirmed', 'confirmed', 'refused', 'returned')
  const commands = fc.commands(
    [
      fc.tuple(count, fc.constantFrom(true, true, false)).map((args) => store(...args)),
      fc.tuple(count, how).map((args) => answer(...args)),
      fc.tuple(count, how).map((args) => answer(...args)),
      fc.constant(connect()),
      arrivals.map(cutConnection),
      arrivals.map(kill),
    ],
    { maxCommands: 40, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      using file = crashingStore('outbox', OUTBOX_SCHEMA)
      const broker = { isBlocked: () => false, restart: () => {} } as unknown as Broker
      const open = (store: Store) => {
        const outbox = createOutbox(store)
        return { store, outbox, relay: createRelay({ broker, outbox, window: WINDOW, metrics, log }) }
      }
      const real: Real = {
        ...open(file.current()),
        wire: undefined,
        restart: () => void Object.assign(real, open(file.crash())),
      }
      const model: Model = { committed: [], queue: new Set() }
      await fc.asyncModelRun(() => ({ model, real }), commands)
      await drainsInTheEnd(model, real)
    }),
    { numRuns: 60 },
  )
})
