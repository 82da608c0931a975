import { waitFor } from '@lab/kit/wait.ts'
import { answered, latenciesOf, orderIds } from '../load/closed-loop.ts'
import { histogramOf, milliseconds } from '../load/histogram.ts'
import { guaranteeCard } from '../part.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { kafkaCard, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { type KafkaProbe, openKafkaProbe } from '../probes/kafka.ts'
import { counted } from '../report/number.ts'
import { ofEach } from '../trio.ts'
import { type Bench, openBench } from './bench.ts'
import {
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  tableOf,
  voidingCheck,
} from './experiment.ts'
import { countTopics, placeBulk } from './kafka-counts.ts'
import { inTurns, remarkOn, repeated, runsOf, spread } from './repeated.ts'

interface Params extends Record<string, unknown> {
  /** Orders placed one after the other: what one customer waits. */
  singles: number
  /** Orders of one bulk. */
  bulk: number
  warmUpOrders: number
  repetitions: number
}

export const kafkaAcks = defineExperiment<Params>({
  name: 'kafka-acks',
  part: 'streaming-kafka',
  question: 'What does it cost to wait for the log to acknowledge an order, and what does it save?',
  profiles: {
    quick: { singles: 30, bulk: 1_000, warmUpOrders: 30, repetitions: 1 },
    default: { singles: 200, bulk: 10_000, warmUpOrders: 100, repetitions: 3 },
    // The order service is started again for each setting, and reads the whole log each time.
    full: { singles: 1_000, bulk: 20_000, warmUpOrders: 500, repetitions: 5 },
  },
  run,
})

const ACKS = ['0', '1', 'all'] as const
type Acks = (typeof ACKS)[number]

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, progress } = context
  const { singles, warmUpOrders, repetitions } = params
  const orders = (singles + warmUpOrders + params.bulk) * repetitions * ACKS.length
  await using bench = await openBench(context, { stock: ofEach(2 * orders) })
  await using probe = await openKafkaProbe(bench.part.kafka!)
  const measured = await inTurns(ACKS, repetitions, async (acks) => {
    const what = `acks=${acks}`
    await produceWith(bench, acks)
    await bench.warmUp(warmUpOrders, what)
    const load = await bench.place(singles, { what })
    progress(`${what}: ${params.bulk} orders in bulk`)
    const bulk = await placeBulk(bench, params.bulk)
    await bench.watch.settled(120_000)
    return { acks, load, bulk }
  })
  progress('comparing what was acknowledged with the log')
  const acknowledged = measured.reduce(
    (sum, { load, bulk }) => sum + warmUpOrders + orderIds(load).length + bulk.accepted,
    0,
  )
  const log = await countTopics(probe, context.signal)
  const ledger = ledgerCheck('', await bench.ledger())

  // From here on orders are lost on purpose: after the ledger.
  const trials = await Array.fromAsync(ACKS, (acks) => refusedOrder(bench, probe, acks))
  const layout = await probe.layout(ORDER_EVENTS)

  const settings = ACKS.map((acks) => {
    const own = measured.filter((one) => one.acks === acks)
    const perSecond = repeated(own.map(({ bulk }) => bulk.accepted / bulk.seconds))!
    const p50Us = repeated(own.map(({ load }) => histogramOf(latenciesOf(load)).percentile(0.5)))
    return { acks, p50Us, perSecond }
  })
  const all = settings.at(-1)!
  const costs = settings.slice(0, -1).map(({ acks, perSecond }) => {
    const factor = (perSecond.median / all.perSecond.median).toFixed(2)
    return `acks=${acks} makes the bulk ${factor} times as fast as acks=all (${remarkOn(perSecond, all.perSecond)})`
  })
  const same = layout.replicas === 1 ? ': acks=1 and acks=all wait for the same copy' : ''
  return {
    checks: [
      check(
        'every order is accepted while the broker is well',
        measured.every(
          ({ load, bulk }) => orderIds(load).length === singles && bulk.accepted === params.bulk,
        ),
        `${acknowledged} acknowledged`,
      ),
      voidingCheck(
        'the log has every acknowledged order while the broker is well: none is lost',
        log.orders === acknowledged,
        `${acknowledged} acknowledged, ${log.orders} in the log`,
      ),
      ledger,
      // Who asks nobody for an acknowledgement cannot hear of a refusal.
      ...trials.map((trial) =>
        check(
          `acks=${trial.acks}: ${trial.acks === '0' ? 'nobody hears' : 'the customer hears'} that the log refuses an order`,
          fateOf(trial) === (trial.acks === '0' ? 'acknowledged and lost' : 'refused'),
          `answered ${trial.status}, ${trial.isInLog ? 'in' : 'not in'} the log: ${fateOf(trial)}`,
        ),
      ),
    ],
    tables: [
      guaranteeCard(ACKS.map((acks) => ({ name: `acks=${acks}`, guarantees: kafkaCard(layout, acks) }))),
      tableOf(`Cost of the acknowledgement, ${runsOf(repetitions)}`, settings, [
        ['acks', ({ acks }) => acks],
        [`POST /order p50 ms (${singles} one by one)`, ({ p50Us }) => spread(p50Us, milliseconds)],
        [
          `bulk of ${params.bulk}, orders/s`,
          ({ perSecond }) => spread(perSecond, (value) => String(Math.round(value))),
        ],
      ]),
      tableOf('An order that the log refuses', trials, [
        ['acks', ({ acks }) => acks],
        ['customer hears', ({ status }) => status],
        ['in the log', ({ isInLog }) => (isInLog ? 'yes' : 'no')],
        ['so the order is', fateOf],
      ]),
    ],
    reading: [`The log has ${counted(layout.replicas, 'replica')}${same}. ${costs.join('; ')}.`],
    data: {
      ...Object.fromEntries(
        settings.map(({ acks, p50Us, perSecond }) => [
          `acks_${acks}`,
          { acceptance_p50_us: p50Us, bulk_orders_per_second: perSecond },
        ]),
      ),
      trials,
    },
  }
}

async function produceWith({ part: { order } }: Bench, acks: Acks): Promise<void> {
  await order.stop()
  await order.start({ env: { PRODUCER_ACKS: acks } })
}

/** What a customer heard of an order that the log refused, and whether the log has it. Status 0: there was no answer. */
type Trial = Awaited<ReturnType<typeof refusedOrder>>

function fateOf({ status, isInLog }: Trial): string {
  if (status === 202) return isInLog ? 'kept' : 'acknowledged and lost'
  return isInLog ? 'refused and kept' : 'refused'
}

/** The log never expires; a topic's configuration is set as a whole. */
const AS_CREATED = { 'retention.ms': '-1' }

/** Places one order while the log takes no record of its size: a real refusal by a real broker. */
async function refusedOrder(bench: Bench, probe: KafkaProbe, acks: Acks) {
  const { progress, signal } = bench
  progress(`acks=${acks}: placing an order that the log refuses`)
  await produceWith(bench, acks)
  await probe.configure(ORDER_EVENTS, { ...AS_CREATED, 'max.message.bytes': '100' })
  const load = await bench.place(1).finally(() => probe.configure(ORDER_EVENTS, AS_CREATED))
  const isInLog = async (order_id: string | undefined) =>
    order_id !== undefined &&
    (await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 60_000 })).some(({ key }) => key === order_id)
  // Until the log takes orders again: a record that was written before is in front of that one, or nowhere.
  const isTaken = async () => isInLog(orderIds(await bench.place(1))[0])
  await waitFor('the log to take an order again', isTaken, { timeoutMs: 60_000, everyMs: 200, signal })
  return { acks, status: answered(load)[0]?.status ?? 0, isInLog: await isInLog(orderIds(load)[0]) }
}
