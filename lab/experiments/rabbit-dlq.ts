import { CONTENT_TYPE, orderPlaced } from '@lab/common/domain/events.ts'
import { placed } from '@lab/common/domain/order.ts'
import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { eventIdFor, newOrderId } from '@lab/common/ids.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { closedLoop, type LoadResult, orderIds, recordsOf } from '../load/closed-loop.ts'
import { openPartClient } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { openRabbitProbe, type Peeked, type RabbitProbe } from '../probes/rabbit.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'

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

/** A message that no consumer can ever handle, and what its dead letter must say. */
interface Malformed {
  kind: string
  body: string
  properties: { messageId?: string; type: string; contentType: string }
  /** Found in the reason of the dead letter. */
  names: RegExp
}

type Change = (event: ReturnType<typeof valid>) => unknown

const kinds: { kind: string; names: RegExp; change: Change; raw?: string; withoutId?: true }[] = [
  { kind: 'not JSON', names: /not JSON/i, change: () => '', raw: '{"item": "burger", ' },
  { kind: 'empty body', names: /JSON|empty/i, change: () => '', raw: '' },
  { kind: 'JSON, but a list', names: /object/i, change: () => ['burger', 1] },
  {
    kind: 'no item',
    names: /item/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, item: undefined } }),
  },
  {
    kind: 'unknown item',
    names: /item/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, item: 'sushi' } }),
  },
  {
    kind: 'quantity 0',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: 0 } }),
  },
  {
    kind: 'quantity "2"',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: '2' } }),
  },
  {
    kind: 'quantity 10^9',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: 1e9 } }),
  },
  { kind: 'unknown type', names: /type/i, change: (event) => ({ ...event, type: 'OrderTeleported' }) },
  {
    kind: 'subject of another order',
    names: /subject|order_id/i,
    change: (event) => ({ ...event, subject: newOrderId() }),
  },
  { kind: 'no message id', names: /message.?id/i, change: (event) => event, withoutId: true },
  {
    kind: 'more than 64 KiB',
    names: /bytes|large|size/i,
    change: (event) => ({ ...event, note: 'x'.repeat(70_000) }),
  },
]

/** One message of each kind, each of an order of its own. All but what is wrong with it is as the order service has it. */
export const malformedMessages = (): Malformed[] =>
  kinds.map(({ kind, names, change, raw, withoutId }) => {
    const event = valid()
    return {
      kind,
      names,
      body: raw ?? JSON.stringify(change(event)),
      properties: {
        ...(withoutId ? {} : { messageId: event.id }),
        type: event.type,
        contentType: CONTENT_TYPE,
      },
    }
  })

function valid() {
  const order = placed({ item: 'burger', quantity: 1 }, newOrderId(), Date.now())
  return orderPlaced(order, { id: eventIdFor('placed', order.order_id), source: 'lab', now: Date.now() })
}
