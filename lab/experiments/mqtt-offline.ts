import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@lab/kit/wait.ts'
import { openMqttProbe, subscribeMqtt } from '../probes/mqtt.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** How long the kitchen stays away, from its stop to its restart. */
  outageSeconds: number
}

export const mqttOffline = defineExperiment<Params>({
  name: 'mqtt-offline',
  part: 'pubsub-mqtt',
  question: 'What happens to orders while the kitchen is away, and how fast are they cooked afterwards?',
  profiles: {
    quick: { orders: 20, outageSeconds: 2 },
    default: { orders: 20, outageSeconds: 8 },
    full: { orders: 20, outageSeconds: 60 },
  },
  run,
})

interface Followed {
  orderId: string
  orderedMs: number
  acknowledgedMs: number
  answers: { status: string; atMs: number }[]
}

const PREP_MS = 100

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, signal, progress } = context
  const prep = { PREP_MIN_MS: String(PREP_MS), PREP_MAX_MS: String(PREP_MS) }
  const part = await context.startOther('pubsub-mqtt', {
    durable: true,
    serviceEnv: { 'kitchen-service': prep },
  })
  const kitchen = part.services['kitchen-service']!
  const { url } = part.servers.mosquitto!
  const followed = new Map<string, Followed>()
  const startedAt = performance.now()
  const nowMs = () => Math.round(performance.now() - startedAt)
  const onMessage = (body: string) => {
    const { orderId, status } = JSON.parse(body) as { orderId: string; status: string }
    followed.get(orderId)?.answers.push({ status, atMs: nowMs() })
  }
  const clientId = `lab-${randomUUID()}`
  const foods = { topic: 'restaurant/foods/+', qos: 1, clientId, isPersistent: false, onMessage } as const
  await using _subscriber = await subscribeMqtt(url, foods, signal)
  await using publisher = await openMqttProbe(url, signal)

  await kitchen.stop()
  const stoppedMs = nowMs()
  for (let at = 0; at < params.orders; at++) {
    const table = 1 + (at % 4)
    const order = { orderId: randomUUID(), table, food: `Food ${at + 1}`, ts: Date.now() }
    const one: Followed = { orderId: order.orderId, orderedMs: nowMs(), acknowledgedMs: 0, answers: [] }
    followed.set(order.orderId, one)
    await publisher.publish(`restaurant/orders/${table}`, JSON.stringify(order), 1)
    one.acknowledgedMs = nowMs()
    progress(`the kitchen is away: ${followed.size} of ${params.orders} orders acknowledged by the broker`)
  }
  const all = [...followed.values()]
  const leftMs = params.outageSeconds * 1_000 - (nowMs() - stoppedMs)
  await sleep(Math.max(0, leftMs), undefined, { signal })
  const answeredWhileAway = all.filter(({ answers }) => answers.length > 0).length

  const restartedMs = nowMs()
  progress('the kitchen restarts')
  await kitchen.start()
  const readyMs = nowMs()
  const isAnswered = ({ answers }: Followed) => answers.length > 0
  await until(async () => all.every(isAnswered), { what: 'every food', timeoutMs: 30_000, signal })

  const answered = all.map(({ answers }) => answers[0]!.atMs)
  const [firstMs, lastMs] = [Math.min(...answered), Math.max(...answered)]
  const once = all.filter(({ answers }) => answers.length === 1 && answers[0]!.status === 'ready').length
  return {
    checks: [
      check(
        'the broker acknowledges every order while the kitchen is away',
        all.every(({ acknowledgedMs }) => acknowledgedMs < restartedMs),
        `${all.length} orders, the last after ${Math.max(...all.map((one) => one.acknowledgedMs))} ms`,
      ),
      check(
        'nothing is cooked while the kitchen is away',
        answeredWhileAway === 0,
        `${answeredWhileAway} answers`,
      ),
      check('every order is cooked once after its return', once === all.length, `${once} of ${all.length}`),
    ],
    tables: [
      tableOf(
        `The way of each order (the kitchen stopped at ${stoppedMs} ms, was started at ${restartedMs} ms and ready at ${readyMs} ms)`,
        all,
        [
          ['order', (_, at) => at + 1],
          ['ordered at ms', ({ orderedMs }) => orderedMs],
          ['acknowledged at ms', ({ acknowledgedMs }) => acknowledgedMs],
          ['food at ms', ({ answers }) => answers[0]!.atMs],
          ['answer', ({ answers }) => answers[0]!.status],
        ],
      ),
    ],
    reading: [
      `${all.length} orders waited in the broker for ${((restartedMs - stoppedMs) / 1_000).toFixed(1)} s; the first food came ${firstMs - restartedMs} ms after the restart, the last ${lastMs - firstMs} ms later.`,
    ],
    data: { stopped_ms: stoppedMs, restarted_ms: restartedMs, ready_ms: readyMs, orders: all },
  }
}
