import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { closedLoop, type LoadResult, orderIds, recordsOf } from '../load/closed-loop.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import type { Peeked } from '../probes/rabbit-management.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { type Malformed, malformedMessages } from './malformed.ts'
import { openPartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'

interface Params extends Record<string, unknown> {
  /** Orders placed after each malformed message. */
  ordersBetween: number
}

export const rabbitDlq = defineExperiment<Params>({
  name: 'rabbit-dlq',
  part: 'async-rabbitmq',
  question: 'Where do messages go that nobody can ever handle, and do the ones behind them get through?',
  profiles: { quick: { ordersBetween: 1 }, default: { ordersBetween: 2 }, full: { ordersBetween: 2 } },
  run,
})

const QUEUE = 'inventory_queue'
const DLQ = 'dlq_queue'
/** Carried along into the dead letter, so that each is recognised again whatever its body. */
const KIND = 'lab-kind'

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { found } = seen
  return {
    checks: checksOf(seen),
    tables: [
      {
        title: `${DLQ} through the management API`,
        columns: ['malformed message', 'reason in its dead letter'],
        rows: found.map(({ message, letters }) => [
          message.kind,
          letters.map(reasonOf).join('; ') || 'not there',
        ]),
      },
    ],
    data: {
      dead_letters: found.map(({ message, letters }) => ({
        kind: message.kind,
        reasons: letters.map(reasonOf),
      })),
    },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const part = await context.start()
  await using client = openPartClient(part, signal)
  await using probe = await openRabbitProbe(part.rabbit!)
  const stream = await client.stream()

  const messages = malformedMessages()
  const loads: LoadResult[] = []
  for (const [i, { kind, body, properties }] of messages.entries()) {
    progress(`${i + 1} of ${messages.length} malformed messages: ${kind}`)
    await probe.sendToQueue(QUEUE, body, { ...properties, headers: { [KIND]: kind } })
    loads.push(await closedLoop(client.place, { count: params.ordersBetween, concurrency: 1, signal }))
  }
  const placed = loads.flatMap(orderIds)
  const completions = await stream.completed(placed, {
    passes: (status) => status === 'reserved',
    what: 'reserved behind malformed messages',
    timeoutMs: 30_000,
    onProgress: (done, of) => progress(`${done} of ${of} orders reserved behind malformed messages`),
  })
  const notified = async () => (await client.notifications()).length >= placed.length
  await waitFor('every order to be notified', notified, { signal })
  const deadLetters = await readDeadLetters(probe, messages.length, context)
  const left = await probe.depth(QUEUE)
  const found = messages.map((message) => ({
    message,
    letters: deadLetters.filter(({ headers }) => headers[KIND] === message.kind),
  }))
  const ledger = await ledgerOf(part, {
    histories: loads.map(recordsOf),
    initial: INITIAL_STOCK,
    plantedDeadLetters: messages.length,
    signal,
  })
  const page = part.rabbit!.managementUrl
  return { found, deadLetters, page, placed, completions, left, ledger: ledgerCheck('', ledger) }
}

const checksOf = ({ found, deadLetters, page, placed, completions, left, ledger }: Seen): Check[] => [
  check(
    `each of ${found.length} malformed messages is in ${DLQ}, once`,
    deadLetters.length === found.length && found.every(({ letters }) => letters.length === 1),
    `${deadLetters.length} dead letters, seen through ${page}`,
  ),
  eachSaysWhy(found),
  check(
    'the orders behind them are reserved',
    completions.length === placed.length && left.ready === 0,
    `${completions.length} of ${placed.length} reserved, ${left.ready} messages left in ${QUEUE}`,
  ),
  ledger,
]

/** Counted by the broker first, then looked at once: looking is a delivery, and can change what is looked at. */
async function readDeadLetters(
  probe: RabbitProbe,
  expected: number,
  { signal, progress }: ExperimentContext<Params>,
): Promise<Peeked[]> {
  const count = await waitFor(
    `${expected} messages in ${DLQ}`,
    async () => {
      const { ready } = await probe.depth(DLQ)
      progress(`${ready} of ${expected} in ${DLQ}`)
      return ready >= expected && ready
    },
    { signal },
  )
  return probe.peek(DLQ, count)
}

const reasonOf = ({ headers }: Peeked): string => String(headers['x-reason'] ?? 'none')

function eachSaysWhy(found: { message: Malformed; letters: Peeked[] }[]): Check {
  const silent = found.filter(
    ({ message, letters }) => !letters.every((letter) => message.names.test(reasonOf(letter))),
  )
  const detail =
    silent.length === 0
      ? `${found.length} reasons name what is wrong`
      : silent
          .map(({ message, letters }) => `${message.kind}: ${letters.map(reasonOf).join('; ')}`)
          .join(' | ')
  return check('each dead letter says why', silent.length === 0, detail)
}
