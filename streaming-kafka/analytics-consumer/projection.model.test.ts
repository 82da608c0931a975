import { inventoryDecided, type OrderEvent, orderPlaced } from '@lab/common/domain/events.ts'
import { ITEMS, placed } from '@lab/common/domain/order.ts'
import { derivedId, eventIdFor } from '@lab/common/ids.ts'
import { command } from '@lab/kit/testing/command.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Projection } from './projection.ts'

const NOW = 1_700_000_000_000
const SOURCE = { source: 'test', now: NOW }

/** What both topics say of one order: placed at its own minute, and decided one way or the other. */
function eventsOf(n: number): [OrderEvent, OrderEvent] {
  const order_id = derivedId('order', String(n))
  const order = placed({ item: ITEMS[n % 3]!, quantity: n + 1 }, order_id, NOW + n * 7_000)
  const event = orderPlaced(order, { id: eventIdFor('placed', order_id), ...SOURCE })
  const failed = { status: 'failed', reason: 'out_of_stock' } as const
  return [event, inventoryDecided(event.data, n % 4 === 0 ? failed : { status: 'reserved' }, SOURCE)]
}

const events = Array.from({ length: 12 }, (_, n) => eventsOf(n)).flat()

/** Everything that must not depend on how the log was read. */
const answersOf = (projection: Projection) => ({
  totals: { ...projection.totals },
  hash: projection.hash(),
  window: projection.window(),
  minutes: projection.minutes(),
})

function projected(events: Iterable<OrderEvent>): Projection {
  const projection = new Projection()
  for (const event of events) projection.apply(event)
  return projection
}

/** Some order in which a reader may see the partitions: each in its own order, all of them interleaved anyhow. */
const interleaving = fc
  .tuple(
    fc.array(fc.nat(3), { minLength: events.length, maxLength: events.length }),
    fc.infiniteStream(fc.nat()),
  )
  .map(([partitions, random]) => {
    const queues = Map.groupBy(events.keys(), (i) => partitions[i])
    const reading: OrderEvent[] = []
    while (queues.size > 0) {
      const names = [...queues.keys()]
      const name = names[(random.next().value ?? 0) % names.length]
      const queue = queues.get(name) as number[]
      reading.push(events[queue.shift() as number] as OrderEvent)
      if (queue.length === 0) queues.delete(name)
    }
    return reading
  })

describe('the projection', () => {
  test('answers the same, in whatever order the partitions are read and whatever is read again', () => {
    const expected = answersOf(projected(events))
    fc.assert(
      fc.property(interleaving, fc.array(fc.nat(events.length - 1)), (reading, repeats) => {
        const again = repeats.map((i) => reading[i] as OrderEvent)

        expect(answersOf(projected(reading))).toEqual(expected)
        expect(answersOf(projected([...again, ...reading, ...again]))).toEqual(expected)
      }),
    )
  })

  test('has another hash for every other set of events', () => {
    const subset = fc.subarray(events)
    fc.assert(
      fc.property(subset, subset, (one, other) => {
        const isSame = new Set(one).symmetricDifference(new Set(other)).size === 0
        expect(projected(one).hash() === projected(other).hash()).toBe(isSame)
      }),
    )
  })
})

/** Which events the log holds; the projection answers as if it had read each of them once. */
type Model = Set<OrderEvent>
interface Real {
  projection: Projection
}

function agree(model: Model, { projection }: Real): void {
  expect(answersOf(projection)).toEqual(answersOf(projected(model)))
}

const read = (n: number) =>
  command<Model, Real>(`event ${n}`, (model, real) => {
    const event = events[n] as OrderEvent
    expect(real.projection.apply(event)).toBe(!model.has(event))
    model.add(event)
    agree(model, real)
  })

/** A reset clears and reads again, from the beginning; a kill ends with a new projection that does the same. */
const readAgain = (how: 'reset' | 'kill', upTo: number) =>
  command<Model, Real>(`a ${how}, read again up to ${upTo}`, (model, real) => {
    const log = [...model]
    if (how === 'reset') real.projection.clear()
    else real.projection = new Projection()
    for (const event of log.slice(0, upTo)) real.projection.apply(event)
    agree(new Set(log.slice(0, upTo)), real)
    for (const event of log) real.projection.apply(event)
    agree(model, real)
  })

test('the projection agrees with one that read each event once, through repeats, resets and kills', () => {
  const n = fc.nat(events.length - 1)
  const how = fc.constantFrom('reset' as const, 'kill' as const)
  const commands = fc.commands(
    [n.map(read), n.map(read), fc.tuple(how, n).map((args) => readAgain(...args))],
    {
      maxCommands: 30,
      size: 'max',
    },
  )
  fc.assert(
    fc.property(commands, (commands) => {
      fc.modelRun(() => ({ model: new Set<OrderEvent>(), real: { projection: new Projection() } }), commands)
    }),
  )
})
