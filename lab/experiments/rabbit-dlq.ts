import { CONTENT_TYPE, orderPlaced } from '@lab/common/domain/events.ts'
import { placed } from '@lab/common/domain/order.ts'
import { eventIdFor, newOrderId } from '@lab/common/ids.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { isReserved } from '../ledger/observed.ts'
import { orderIds } from '../load/closed-loop.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { openRabbitProbe, type Peeked } from '../probes/rabbit.ts'
import { openBench } from './bench.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, says, tableOf } from './experiment.ts'

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
  const { params, signal, progress } = context
  await using bench = await openBench(context)
  await using probe = await openRabbitProbe(bench.part.rabbit!)
  const { client } = bench
  const stream = await client.stream()

  const messages = malformedMessages()
  const count = messages.length
  const placed: string[] = []
  for (const [i, { kind, body, properties }] of messages.entries()) {
    progress(`${i + 1} of ${count} malformed messages: ${kind}`)
    await probe.sendToQueue(QUEUE, body, { ...properties, headers: { [KIND]: kind } })
    placed.push(...orderIds(await bench.place(params.ordersBetween)))
  }
  const completions = await stream.completed(placed, {
    passes: isReserved,
    what: 'reserved behind malformed messages',
    timeoutMs: 30_000,
    onProgress: (done, of) => progress(`${done} of ${of} orders reserved behind malformed messages`),
  })
  const notified = async () => (await client.notifications()).length >= placed.length
  await waitFor('every order to be notified', notified, { signal })
  // Counted by the broker first, then looked at once: looking is a delivery, and can change what is looked at.
  const allThere = async () => {
    const { ready } = await probe.depth(DLQ)
    progress(`${ready} of ${count} in ${DLQ}`)
    return ready >= count && ready
  }
  const deadLetters = await probe.peek(
    DLQ,
    await waitFor(`${count} messages in ${DLQ}`, allThere, { signal }),
  )
  const { ready: left } = await probe.depth(QUEUE)
  const found = messages.map(({ kind, names }) => {
    const letters = deadLetters.filter(({ headers }) => headers[KIND] === kind)
    return { kind, names, reasons: letters.map(reasonOf) }
  })
  const silent = found.filter(({ names, reasons }) => !reasons.every((reason) => names.test(reason)))
  return {
    checks: [
      check(
        `each of ${count} malformed messages is in ${DLQ}, once`,
        deadLetters.length === count && found.every(({ reasons }) => reasons.length === 1),
        `${deadLetters.length} dead letters, seen through ${bench.part.rabbit!.managementUrl}`,
      ),
      check(
        'each dead letter says why',
        silent.length === 0,
        silent.length === 0
          ? `${count} reasons name what is wrong`
          : silent.map(({ kind, reasons }) => `${kind}: ${reasons.join('; ')}`).join(' | '),
      ),
      check(
        'the orders behind them are reserved',
        completions.length === placed.length && left === 0,
        `${completions.length} of ${placed.length} reserved, ${left} messages left in ${QUEUE}`,
      ),
      ledgerCheck('', await bench.ledger({ plantedDeadLetters: count })),
    ],
    tables: [
      tableOf(`${DLQ} through the management API`, found, [
        ['malformed message', ({ kind }) => kind],
        ['reason in its dead letter', ({ reasons }) => reasons.join('; ') || 'not there'],
      ]),
    ],
    says: says('async-rabbitmq', [
      ['an unreadable message', `${deadLetters.length} of ${count} in ${DLQ}, with the reason`],
    ]),
    data: { dead_letters: found.map(({ kind, reasons }) => ({ kind, reasons })) },
  }
}

const reasonOf = ({ headers }: Peeked): string => String(headers['x-reason'] ?? 'none')

type Event = ReturnType<typeof valid>

const withData = (change: Record<string, unknown>) => (event: Event) => ({
  ...event,
  data: { ...event.data, ...change },
})

const NO_ID = 'no message id'

/** What a message is instead of its event; text is sent as it is. */
const kinds: [kind: string, names: RegExp, contentOf: (event: Event) => unknown][] = [
  ['not JSON', /not JSON/i, () => '{"item": "burger", '],
  ['empty body', /JSON|empty/i, () => ''],
  ['JSON, but a list', /object/i, () => ['burger', 1]],
  ['no item', /item/i, withData({ item: undefined })],
  ['unknown item', /item/i, withData({ item: 'sushi' })],
  ['quantity 0', /quantity/i, withData({ quantity: 0 })],
  ['quantity "2"', /quantity/i, withData({ quantity: '2' })],
  ['quantity 10^9', /quantity/i, withData({ quantity: 1e9 })],
  ['unknown type', /type/i, (event) => ({ ...event, type: 'OrderTeleported' })],
  ['subject of another order', /subject|order_id/i, (event) => ({ ...event, subject: newOrderId() })],
  [NO_ID, /message.?id/i, (event) => event],
  ['more than 64 KiB', /bytes|large|size/i, (event) => ({ ...event, note: 'x'.repeat(70_000) })],
]

/**
 * One message of each kind, each of an order of its own, and what its dead letter must say (`names`). All but what is wrong
 * with it is as the order service has it.
 */
export const malformedMessages = () =>
  kinds.map(([kind, names, contentOf]) => {
    const event = valid()
    const content = contentOf(event)
    const messageId = kind === NO_ID ? {} : { messageId: event.id }
    return {
      kind,
      names,
      body: typeof content === 'string' ? content : JSON.stringify(content),
      properties: { ...messageId, type: event.type, contentType: CONTENT_TYPE },
    }
  })

function valid() {
  const order = placed({ item: 'burger', quantity: 1 }, newOrderId(), Date.now())
  return orderPlaced(order, { id: eventIdFor('placed', order.order_id), source: 'lab', now: Date.now() })
}
