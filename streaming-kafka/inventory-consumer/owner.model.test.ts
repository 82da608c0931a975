import { ITEMS } from '@lab/common/domain/order.ts'
import { decide, type Stock } from '@lab/common/domain/stock.ts'
import { derivedId } from '@lab/common/ids.ts'
import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeInventoryEvent, toMessage } from '../broker/records.ts'
import { DEAD_LETTERS, INVENTORY_EVENTS, ORDER_EVENTS } from '../broker/topics.ts'
import { createDecideOrders, type Run } from './decide-orders.ts'
import { Ownership } from './ownership.ts'
import { rebuildStock } from './rebuild.ts'
import { type Fate, MemoryLog, PARTITIONS } from './testing/memory-log.ts'

const INITIAL: Stock = { burger: 8, pizza: 30, salad: 5 }
const INSTANCES = [0, 1] as const
type Index = (typeof INSTANCES)[number]
const metrics = createMetrics('test')
const log = createLog('test', 'silent')
const settings = { brokers: [], prefix: '', clientId: 'test', sessionTimeoutMs: 6_000, log }

const orders = ITEMS.flatMap((item) =>
  [1, 4, 6].map((quantity) =>
    anOrder({ item, quantity, order_id: derivedId('order', item, String(quantity)) }),
  ),
)

/** One inventory-consumer: its memory, and how far it has read each partition. */
class Instance {
  readonly ownership: Ownership
  readonly decide: ReturnType<typeof createDecideOrders>
  readonly #read = PARTITIONS.map(() => 0)
  /** A run whose outcome is unknown is decided again, as it was. */
  readonly #again: (Run | undefined)[] = []
  fate: Fate = 'written'
  /** A write it is stalled in, and what that came to once it woke up. */
  stalled: { wake: () => void; done: Promise<void> } | undefined
  readonly #log: MemoryLog

  constructor(memory: MemoryLog) {
    this.#log = memory
    const rebuild = () =>
      rebuildStock(settings, { admin: memory.admin, configured: INITIAL, readLog: memory.read })
    this.ownership = new Ownership({
      openWriter: async () => memory.openWriter(() => this.#fateOfWrite()),
      rebuild,
      log,
    })
    this.decide = createDecideOrders({ ownership: this.ownership, metrics, log })
  }

  /** The group gave it the partitions: it reads on where its state is. From an offset behind the end, all is read again. */
  async assigned(): Promise<void> {
    this.#again.length = 0
    this.ownership.take()
    await this.ownership.acquire()
    const readTo = this.ownership.current()?.state.readTo
    for (const partition of PARTITIONS) {
      const offset = readTo?.get(ORDER_EVENTS, partition) ?? 0
      this.#read[partition] = offset > (this.#log.orders[partition] as unknown[]).length ? 0 : offset
    }
  }

  async decideNext(partition: number, atMost: number): Promise<void> {
    if (!(await this.ownership.acquire())) return
    const from = this.#read[partition] as number
    const run = this.#again[partition] ?? this.#log.runFrom(partition, from, atMost)
    const isWritten = (await this.decide(run)) === 'written'
    this.#again[partition] = isWritten ? undefined : run
    if (isWritten) this.#read[partition] = run.next.offset
  }

  #gate: Promise<void> | undefined

  stallIn(partition: number, atMost: number): void {
    const gate = Promise.withResolvers<void>()
    this.#gate = gate.promise
    const done = this.decideNext(partition, atMost).finally(() => {
      this.#gate = undefined
      this.stalled = undefined
    })
    this.stalled = { wake: gate.resolve, done }
  }

  async #fateOfWrite(): Promise<Fate> {
    await this.#gate
    return this.fate
  }
}

/** What was sent: an order, or poison, in the order of its partition. */
type Model = (string | 'poison')[][]
interface Real {
  log: MemoryLog
  instances: [Instance, Instance]
}
const step = asyncCommand<Model, Real>

const produce = (order: (typeof orders)[number]) =>
  step(`order ${order.quantity} ${order.item}`, async (model, real) => {
    const partition = order.quantity % PARTITIONS.length
    model[partition]?.push(order.order_id)
    real.log.produce(partition, toMessage(anOrderPlaced(order)))
  })

const poison = (partition: number) =>
  step(`poison in ${partition}`, async (model, real) => {
    model[partition]?.push('poison')
    real.log.produce(partition, { key: 'k', value: 'not JSON' })
  })

/** A stalled owner does not hear that its partitions are with another one. */
const assign = (to: Index) =>
  step(`the partitions go to ${to}`, async (model, { log, instances }) => {
    const [member, other] = [instances[to], instances[1 - to] as Instance]
    if (member.stalled) return
    if (!other.stalled) other.ownership.giveUp('standing by')
    await member.assigned()
    agree(model, log)
  })

const decideNext = (at: Index, [partition, atMost, fate]: [number, number, Fate]) =>
  step(`${at} decides ${atMost} of ${partition}: ${fate}`, async (model, { log, instances }) => {
    const instance = instances[at]
    if (instance.stalled) return
    instance.fate = fate
    await instance.decideNext(partition, atMost)
    instance.fate = 'written'
    agree(model, log)
  })

const stall = (at: Index, [partition, atMost]: [number, number, Fate]) =>
  step(`${at} is stalled while it decides ${atMost} of ${partition}`, async (_, { instances }) => {
    if (instances[at].stalled) return
    instances[at].stallIn(partition, atMost)
    await new Promise(setImmediate)
  })

const wake = (at: Index) =>
  step(`${at} wakes up`, async (model, { log, instances }) => {
    await awake(instances[at])
    agree(model, log)
  })

async function awake({ stalled }: Instance): Promise<void> {
  stalled?.wake()
  await stalled?.done
}

const kill = (at: Index) =>
  step(`${at} is killed`, async (_, { log, instances }) => {
    instances[at] = new Instance(log)
  })

/** Somebody else joins `inventory-group` while nobody else is in it, and commits wherever it likes. */
const foreignCommit = ([partition, offset]: [number, number]) =>
  step(`a foreign client commits ${offset} of ${partition}`, async (model, { log, instances }) => {
    if (instances.some(({ stalled }) => stalled)) return
    for (const { ownership } of instances) ownership.giveUp('standing by')
    log.commitAs(partition, offset)
    agree(model, log)
  })

/** Each order is decided at most once, as the stock of that moment asks for, and nothing before an offset is undecided. */
function agree(model: Model, memory: MemoryLog): void {
  const left = { ...INITIAL }
  const decided = new Set<string>()
  for (const message of memory.records(INVENTORY_EVENTS)) {
    const { event } = decodeInventoryEvent(message)
    if (!event) throw new Error('a decision that cannot be read')
    expect([event.subject, decided.has(event.subject)]).toEqual([event.subject, false])
    decided.add(event.subject)
    const decision = decide(left[event.data.item], event.data)
    expect([event.subject, event.data.status]).toEqual([event.subject, decision.status])
    if (decision.status === 'reserved') left[event.data.item] = decision.left
  }
  for (const [partition, sent] of model.entries())
    for (const order of sent.slice(0, memory.notedTo(partition)))
      expect([order, order === 'poison' || decided.has(order)]).toEqual([order, true])

  const letters = memory
    .records(DEAD_LETTERS)
    .map(({ headers }) => `${headers?.origin_partition}/${headers?.origin_offset}`)
  const poisonTo = (endOf: (partition: number) => number | undefined) =>
    model.flatMap((sent, partition) =>
      sent
        .slice(0, endOf(partition))
        .flatMap((what, offset) => (what === 'poison' ? [`${partition}/${offset}`] : [])),
    )
  expect(letters).toEqual([...new Set(letters)])
  expect(letters).toEqual(expect.arrayContaining(poisonTo((partition) => memory.notedTo(partition))))
  expect(poisonTo(() => undefined)).toEqual(expect.arrayContaining(letters))
}

async function decidesAllInTheEnd(model: Model, { log, instances: [first, second] }: Real): Promise<void> {
  await Promise.all([awake(first), awake(second)])
  second.ownership.giveUp('standing by')
  await first.assigned()
  for (const partition of PARTITIONS) await first.decideNext(partition, 1_000)
  agree(model, log)
  for (const [partition, sent] of model.entries())
    if (sent.length > 0) expect(log.notedTo(partition)).toBe(sent.length)
}

test('the stock has one owner, whatever is stalled, taken over, lost, unknown, repeated, killed or committed by a foreign client', async () => {
  const at = fc.constantFrom(...INSTANCES)
  const fates = fc.constantFrom<Fate>('written', 'written', 'written, and the answer lost', 'lost')
  const run = fc.tuple(fc.constantFrom(...PARTITIONS), fc.integer({ min: 1, max: 4 }), fates)
  const commands = fc.commands(
    [
      fc.constantFrom(...orders).map(produce),
      fc.constantFrom(...orders).map(produce),
      fc.constantFrom(...orders).map(produce),
      fc.constantFrom(...PARTITIONS).map(poison),
      at.map(assign),
      fc.tuple(at, run).map((args) => decideNext(...args)),
      fc.tuple(at, run).map((args) => decideNext(...args)),
      fc.tuple(at, run).map((args) => stall(...args)),
      at.map(wake),
      at.map(kill),
      fc.tuple(fc.constantFrom(...PARTITIONS), fc.integer({ min: 0, max: 8 })).map(foreignCommit),
    ],
    { maxCommands: 50, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const memory = new MemoryLog()
      const real: Real = { log: memory, instances: [new Instance(memory), new Instance(memory)] }
      const model: Model = PARTITIONS.map(() => [])
      await fc.asyncModelRun(() => ({ model, real }), commands)
      await decidesAllInTheEnd(model, real)
    }),
    { numRuns: 150 },
  )
})
