import { randomUUID } from 'node:crypto'
import { within } from '@lab/kit/wait.ts'
import { Histogram, summarize } from '../load/histogram.ts'
import { openMqttProbe, subscribeMqtt } from '../probes/mqtt.ts'
import { latencyColumns, percentileChart } from './curves.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Pages that listen. */
  pages: number[]
  /** Orders, one after the other, for each number of pages. */
  orders: number
}

export const mqttFanout = defineExperiment<Params>({
  name: 'mqtt-fanout',
  part: 'pubsub-mqtt',
  question: 'How long does it take from an order to the last of N pages that hears of its food?',
  profiles: {
    quick: { pages: [1, 10, 100], orders: 30 },
    default: { pages: [1, 10, 100], orders: 300 },
    full: { pages: [1, 10, 100], orders: 3_000 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const prep = { PREP_MIN_MS: '0', PREP_MAX_MS: '0' }
  const part = await context.startOther('pubsub-mqtt', { serviceEnv: { 'kitchen-service': prep } })
  const { url, wsUrl } = part.servers.mosquitto!
  const measured = await Array.fromAsync(params.pages, (pages) =>
    measure(context, { url, wsUrl: wsUrl ?? url, pages }),
  )
  return {
    checks: measured.map(({ pages, heard }) =>
      check(
        `each of ${pages} pages hears of each food once`,
        heard === pages * params.orders,
        `${heard} of ${pages * params.orders} foods heard`,
      ),
    ),
    tables: [
      tableOf('From the order to the last page that hears of its food, preparation time 0', measured, [
        ['pages', ({ pages }) => pages],
        ...latencyColumns<Measured>(({ histogram }) => histogram),
      ]),
    ],
    charts: [
      percentileChart(
        'From the order to the last page, by percentile',
        measured.map(({ pages, histogram }) => ({ name: `${pages} pages`, histogram })),
        'the order',
      ),
    ],
    data: { loads: measured.map(({ pages, histogram }) => ({ pages, ...summarize(histogram) })) },
  }
}

type Measured = Awaited<ReturnType<typeof measure>>

async function measure(
  { params, signal, progress }: ExperimentContext<Params>,
  { url, wsUrl, pages }: { url: string; wsUrl: string; pages: number },
) {
  progress(`${pages} pages connect`)
  await using stack = new AsyncDisposableStack()
  let current = ''
  let heardOf = 0
  let heard = 0
  let lastAt = 0
  let last = Promise.withResolvers<void>()
  const onMessage = (body: string) => {
    heard++
    if ((JSON.parse(body) as { orderId: string }).orderId !== current || ++heardOf < pages) return
    lastAt = performance.now()
    last.resolve()
  }
  const subscribed = Array.from({ length: pages }, async () => {
    const clientId = `lab-page-${randomUUID()}`
    const foods = { topic: 'restaurant/foods/+', qos: 1, clientId, isPersistent: false, onMessage } as const
    stack.use(await subscribeMqtt(wsUrl, foods, signal))
  })
  await Promise.all(subscribed)
  const publisher = stack.use(await openMqttProbe(url, signal))

  const histogram = new Histogram()
  for (let at = 0; at < params.orders; at++) {
    current = randomUUID()
    heardOf = 0
    last = Promise.withResolvers()
    const table = 1 + (at % 4)
    const order = { orderId: current, table, food: 'Pizza', ts: Date.now() }
    const sentAt = performance.now()
    const sent = publisher.publish(`restaurant/orders/${table}`, JSON.stringify(order), 1)
    await within(last.promise, 10_000, `${pages} pages to hear of an order`)
    histogram.record((lastAt - sentAt) * 1_000)
    signal.throwIfAborted()
    await sent
    if (at % 10 === 0) progress(`${pages} pages: ${at + 1} of ${params.orders} orders`)
  }
  return { pages, histogram, heard }
}
