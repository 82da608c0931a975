import { openKafkaProbe } from '../probes/kafka.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { type LagSample, openLagMeter } from './lag-meter.ts'
import { type LagBench, lagOfStandstill, lagOfStopped, lagWhileDraining } from './lag-phases.ts'
import { lagChart, lagTable, rateTable } from './lag-tables.ts'
import { describeAudit } from './ledger-check.ts'
import { openPartClient } from './part-client.ts'
import { stockEnv } from './stock-env.ts'
import { countTopics } from './topic-count.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** Sleep before each message while the backlog is worked off. */
  throttleSeconds: number
  /** Placed while analytics is stopped. */
  ordersWhileStopped: number
}

export const kafkaLag = defineExperiment<Params>({
  name: 'kafka-lag',
  part: 'streaming-kafka',
  question: 'How far behind is a slow consumer, and what does the lag say of one that is not there at all?',
  profiles: {
    quick: { orders: 200, throttleSeconds: 0.002, ordersWhileStopped: 50 },
    default: { orders: 1_000, throttleSeconds: 0.002, ordersWhileStopped: 100 },
    full: { orders: 1_000, throttleSeconds: 0.01, ordersWhileStopped: 100 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { samples, rate, records } = seen
  return {
    checks: checksOf(seen),
    tables: [lagTable(samples), rateTable(rate)],
    charts: [lagChart(samples)],
    data: { samples, messages_per_second: rate.messages / rate.seconds, records },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal } = context
  // Enough for every order: what is reserved is not the question here.
  const each = 2 * (params.orders + params.ordersWhileStopped)
  const initial = { burger: each, pizza: each, salad: each }
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openKafkaProbe(part.kafka!)
  const meter = openLagMeter(probe, client)
  const bench: LagBench = { ...context, part, client, meter }

  const standstill = await lagOfStandstill(bench, params.orders)
  const unread = (await countTopics(probe, signal)).log.records
  const { seconds } = await lagWhileDraining(bench, params)
  const down = await lagOfStopped(bench, { orders: params.ordersWhileStopped, before: params.orders })

  const { log, orderIds } = await countTopics(probe, signal)
  const orders = await client.orders()
  return {
    standstill,
    down,
    samples: meter.samples,
    rate: { sleepSeconds: params.throttleSeconds, messages: unread, seconds },
    records: { standingStill: unread, whileStopped: log.records - unread },
    ledger: describeAudit({ acknowledged: orderIds, orders, initial, left: await client.stock() }),
  }
}

const checksOf = ({ standstill, down, samples, records, ledger }: Seen): Check[] => [
  rises(standstill, records.standingStill),
  check(
    'there is no lag before the first order',
    standstill.before.messages === 0,
    `${standstill.before.messages} messages`,
  ),
  secondsAreRight(standstill),
  falls(samples.filter(({ phase }) => phase === 'draining')),
  stoppedIsBehind(down.stopped, records.whileStopped),
  check(
    'the lag is worked off after the restart',
    down.back.messages === 0 && down.back.reported?.messages === 0,
    `${down.back.messages} messages by the broker, ${down.back.reported?.messages} by the service`,
  ),
  ledger,
]

/** Offsets also count the markers of transactions, which are no records: the lag is the records and a few of those. */
function rises({ still }: { still: LagSample }, records: number): Check {
  const holds = records > 0 && still.messages >= records && still.reported?.messages === still.messages
  const detail = `${still.messages} by the broker, ${still.reported?.messages} by GET /lag: ${records} records and ${still.messages - records} transaction markers; group ${still.state}`
  return check('the lag rises by every record, and the service reports what the broker does', holds, detail)
}

function secondsAreRight({ still, ageSeconds }: Awaited<ReturnType<typeof lagOfStandstill>>): Check {
  const seconds = still.reported?.seconds ?? Number.NaN
  const slack = 0.1 + seconds * 0.02
  const holds = seconds >= ageSeconds.atLeast - slack && seconds <= ageSeconds.atMost + slack
  const detail = `${seconds.toFixed(2)} s; the oldest unread order is ${ageSeconds.atLeast.toFixed(2)} to ${ageSeconds.atMost.toFixed(2)} s old`
  return check('the lag in seconds is the age of the oldest unread record', holds, detail)
}

function falls(samples: LagSample[]): Check {
  const messages = samples.map((sample) => sample.messages)
  const neverRises = messages.every((lag, i) => i === 0 || lag <= messages[i - 1]!)
  const detail = `${messages[0]} → ${messages.at(-1)} in ${samples.length} readings`
  return check('under the throttle the lag drains to 0', neverRises && messages.at(-1) === 0, detail)
}

function stoppedIsBehind(stopped: LagSample, records: number): Check {
  const holds = records > 0 && stopped.messages >= records && stopped.members === 0
  const detail = `${stopped.messages} messages behind with ${records} records unread; group ${stopped.state}, ${stopped.members} members`
  return check('a stopped consumer does not show 0', holds, detail)
}
