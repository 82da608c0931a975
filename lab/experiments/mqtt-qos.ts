import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { until, within } from '@lab/kit/wait.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import { type MqttSubscriber, openMqttProbe, type Qos, subscribeMqtt } from '../probes/mqtt.ts'
import {
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  tableOf,
  voidingCheck,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Messages of one case. */
  messages: number
  /** Between two of them. */
  everyMs: number
}

export const mqttQos = defineExperiment<Params>({
  name: 'mqtt-qos',
  part: 'pubsub-mqtt',
  isOfServer: true,
  question:
    'What do QoS and session keep of MQTT messages when a subscriber is cut, or it or the broker killed?',
  profiles: {
    quick: { messages: 60, everyMs: 4 },
    default: { messages: 300, everyMs: 4 },
    full: { messages: 3_000, everyMs: 2 },
  },
  run,
})

const FAULTS = ['nothing', 'subscriber cut', 'subscriber killed', 'broker killed'] as const
type Fault = (typeof FAULTS)[number]

interface Case {
  qos: Qos
  isPersistent: boolean
  fault: Fault
}

/** How old the broker's store may be when it is killed, and then some: what is younger may be gone. */
const STORE_MS = 1_500
const SETTLE_MS = 15_000

/**
 * What MQTT 5 allows. Lost: QoS 0 whenever something breaks; with QoS 1 and 2 what is published while there is no
 * session. A killed broker is one that broke its own part of the protocol: its store is up to a second old. So is a killed
 * subscriber whose packet ids were in its memory: a QoS 2 message that it had received and not yet released to the
 * application is not sent again. Doubled: QoS 1 whenever something breaks; QoS 2 when a side has lost its packet ids.
 */
export function allowed({ qos, isPersistent, fault }: Case): { lost: boolean; doubled: boolean } {
  if (fault === 'nothing') return { lost: false, doubled: false }
  const hasForgotten = fault === 'broker killed' || (isPersistent && fault === 'subscriber killed')
  const lost = qos === 0 || !isPersistent || fault === 'broker killed' || (qos === 2 && hasForgotten)
  const doubled = qos === 1 || (qos === 2 && hasForgotten)
  return { lost, doubled }
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const broker = await context.server('mosquitto')
  const cases = FAULTS.filter((fault) => fault !== 'broker killed' || broker.control).flatMap((fault) =>
    ([0, 1, 2] as const).flatMap((qos) =>
      [false, true].map((isPersistent) => ({ qos, isPersistent, fault })),
    ),
  )
  const counted = await Array.fromAsync(cases, (one, at) => {
    context.progress(`case ${at + 1}: ${nameOf(one)}`)
    return count(one, context, broker)
  })

  const broken = counted.filter((one) => {
    const may = allowed(one)
    return (one.lost > 0 && !may.lost) || (one.doubled > 0 && !may.doubled)
  })
  const quietFaults = counted.filter(
    (one) => one.fault.startsWith('subscriber') && one.qos === 0 && one.lost === 0,
  )
  return {
    checks: [
      check(
        'nothing is lost or doubled that the protocol forbids',
        broken.length === 0,
        broken.length === 0
          ? `${counted.length} cases of ${context.params.messages} messages`
          : broken.map((one) => `${nameOf(one)}: ${one.lost} lost, ${one.doubled} doubled`).join('; '),
      ),
      voidingCheck(
        'every fault of a subscriber hits: QoS 0 loses something',
        quietFaults.length === 0,
        `${quietFaults.length} cases in which nothing was lost`,
      ),
    ],
    tables: [
      tableOf('Published, delivered, lost and doubled, counted by sequence numbers', counted, [
        ['QoS', ({ qos }) => qos],
        ['session', ({ isPersistent }) => (isPersistent ? 'persistent' : 'clean')],
        ['fault', ({ fault }) => fault],
        ['published', ({ published }) => published],
        ['delivered', ({ delivered }) => delivered],
        ['lost', ({ lost }) => lost],
        ['allowed', (one) => (allowed(one).lost ? 'yes' : 'no')],
        ['doubled', ({ doubled }) => doubled],
        ['allowed ', (one) => (allowed(one).doubled ? 'yes' : 'no')],
      ]),
    ],
    data: { cases: counted.map((one) => ({ ...one, allowed: allowed(one) })) },
  }
}

const nameOf = ({ qos, isPersistent, fault }: Case) =>
  `QoS ${qos}, ${isPersistent ? 'persistent' : 'clean'} session, ${fault}`

/** A third before the fault, a third while it lasts, a third after it, and then what is still on its way. */
async function count(one: Case, { params, signal }: ExperimentContext<Params>, broker: Broker) {
  const topic = `lab/qos/${randomUUID()}`
  const clientId = `lab-subscriber-${randomUUID()}`
  const times = new Map<string, number>()
  const onMessage = (body: string) => times.set(body, (times.get(body) ?? 0) + 1)
  const subscribe = () => subscribeMqtt(broker.url, { ...one, topic, clientId, onMessage }, signal)
  await using publisher = await openMqttProbe(broker.url, signal)
  let subscriber = await subscribe()

  const sent: Promise<string | undefined>[] = []
  const third = Math.ceil(params.messages / 3)
  const publishThird = async () => {
    for (let at = 0; at < third; at++) {
      const body = String(sent.length)
      sent.push(
        publisher.publish(topic, body, one.qos).then(
          () => body,
          () => undefined,
        ),
      )
      await sleep(params.everyMs, undefined, { signal })
    }
  }
  await publishThird()
  await until(async () => times.size > 0, { what: 'the first message', timeoutMs: 10_000, signal })
  if (one.fault === 'broker killed') await sleep(STORE_MS, undefined, { signal })
  const endFault = await begin(one.fault, { subscriber, broker, subscribe })
  await publishThird()
  subscriber = await endFault()
  await until(async () => subscriber.isOn(), { what: 'the subscription', timeoutMs: 15_000, signal })
  await publishThird()
  // What is not acknowledged by now is nobody's promise: it counts as not published.
  const settled = sent.map((one) => within(one, SETTLE_MS, 'an acknowledgement').catch(() => undefined))
  const published = (await Promise.all(settled)).filter((body) => body !== undefined)

  // Whatever is kept for the subscriber comes before this one.
  await within(publisher.publish(topic, 'end', 1), SETTLE_MS, 'the broker to take the last message')
  await until(async () => times.has('end'), { what: 'the last message', timeoutMs: 30_000, signal })
  await subscriber[Symbol.asyncDispose]()
  const delivered = published.filter((body) => times.has(body)).length
  const deliveries = published.reduce((sum, body) => sum + (times.get(body) ?? 0), 0)
  return {
    ...one,
    published: published.length,
    delivered,
    lost: published.length - delivered,
    doubled: deliveries - delivered,
  }
}

type Broker = Servers['mosquitto']

interface Faulted {
  subscriber: MqttSubscriber
  broker: Broker
  subscribe: () => Promise<MqttSubscriber>
}

/** Begins a fault; answers what ends it, and who is subscribed then. */
async function begin(fault: Fault, { subscriber, broker, subscribe }: Faulted) {
  if (fault === 'subscriber cut') subscriber.cut()
  if (fault === 'subscriber killed') {
    await subscriber.kill()
    return subscribe
  }
  if (fault === 'broker killed') await broker.control!.kill()
  return async () => {
    if (fault === 'broker killed') await broker.control!.start()
    return subscriber
  }
}
