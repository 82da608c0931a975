import { randomUUID } from 'node:crypto'
import { within } from '@lab/kit/wait.ts'
import { startPart } from '@lab/stack/part.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { openMqttProbe, subscribeMqtt } from '../probes/mqtt.ts'
import { alternate, type Contestant, type Question, ratioTable } from './alternate.ts'
import { startBare } from './bare/chain.ts'
import { benchOf, type Measured, megabytes, type OneBench } from './bench.ts'

/** What the kitchen should reach of the bare loop. */
const TARGET = 0.5
/** Orders that are on their way at a time. */
const WINDOW = 200
const WARM_UP = 2_000

/** Orders per second of the kitchen over MQTT, and its memory, against a bare mqtt.js loop. */
export const mqtt = benchOf('pubsub-mqtt', 'orders per second against a bare loop', benchMqtt)

/** From publishing an order to its food, preparation time 0: the kitchen against a bare mqtt.js loop, in turn. */
async function benchMqtt({ session, spec, orders, rounds, progress }: OneBench): Promise<Measured> {
  const { run, signal } = session
  const broker = await session.server('mosquitto')
  const kitchenEnv = { PREP_MIN_MS: '0', PREP_MAX_MS: '0', MAX_COOKING: '1000', LOG_LEVEL: 'warn' }
  let valid = true
  let peakRss = 0
  const measure = async () => {
    await load(broker.url, WARM_UP, signal)
    const { perSecond, foods } = await load(broker.url, orders, signal)
    valid &&= foods === orders
    return { foods: perSecond }
  }
  const bareLoop: Contestant = {
    name: 'bare mqtt.js loop',
    async round() {
      await using opened = new AsyncDisposableStack()
      await startBare(session, { client: 'mqtt', env: { MQTT_URL: broker.url } }, opened)
      return await measure()
    },
  }
  const kitchen: Contestant = {
    name: 'kitchen',
    async round() {
      const options = { run, signal, servers: { mosquitto: broker }, durable: true }
      const part = await startPart(spec, { ...options, serviceEnv: { 'kitchen-service': kitchenEnv } })
      const figures = await measure()
      peakRss = Math.max(peakRss, await residentBytes(part.services['kitchen-service']!))
      await part.close()
      return figures
    },
  }
  const question: Question = {
    name: 'orders from publish to food, preparation time 0',
    ours: [kitchen.name, 'foods'],
    ceiling: [bareLoop.name, 'foods'],
    target: TARGET,
  }
  const contestants = [bareLoop, kitchen]
  const [comparison] = await alternate({ contestants, questions: [question], rounds, progress })
  const title = `pubsub-mqtt: how close to the limit, ${orders} orders a round, QoS 1, files on disk`
  return {
    part: spec.name,
    ledger: valid ? [] : ['not every order had its food once'],
    tables: [{ ...ratioTable(spec.name, [comparison!]), title }],
    lines: [`the kitchen had at most ${megabytes(peakRss)} MB resident`],
    short: `${comparison!.ratio.median.toFixed(2)} of the bare loop`,
    data: { round_orders: orders, comparison, peak_rss_bytes: peakRss },
  }
}

async function load(url: string, orders: number, signal: AbortSignal) {
  const waiting = new Set<string>()
  const all = Promise.withResolvers<void>()
  let sent = 0
  let foods = 0
  let isAbandoned = false
  const onMessage = (body: string) => {
    const { orderId } = JSON.parse(body) as { orderId: string }
    foods++
    if (!waiting.delete(orderId)) return
    if (sent < orders) order()
    else if (waiting.size === 0) all.resolve()
  }
  const clientId = `lab-${randomUUID()}`
  const food = { topic: 'restaurant/foods/+', qos: 1, clientId, isPersistent: false, onMessage } as const
  await using _subscriber = await subscribeMqtt(url, food, signal)
  await using publisher = await openMqttProbe(url, signal)
  const order = () => {
    const table = 1 + (sent++ % 4)
    const one = { orderId: randomUUID(), table, food: 'Pizza', ts: Date.now() }
    waiting.add(one.orderId)
    publisher.publish(`restaurant/orders/${table}`, JSON.stringify(one), 1).catch((err) => {
      if (!isAbandoned) all.reject(err)
    })
  }
  const startedAt = performance.now()
  for (let at = 0; at < Math.min(WINDOW, orders); at++) order()
  await within(all.promise, 300_000, `the foods of ${orders} orders`)
  isAbandoned = true
  return { perSecond: orders / ((performance.now() - startedAt) / 1_000), foods }
}

async function residentBytes(service: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(text.match(/^process_resident_memory_bytes\S* (\S+)$/m)?.[1] ?? 0)
}
