import { until } from '@lab/kit/wait.ts'
import { openTcpProxy, type TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { followPlatform, openRedisProbe, type RedisAddress, subscribeRedis } from '../probes/redis.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { offerPizza, STEPS, stepAll } from './pizza-orders.ts'

interface Params extends Record<string, unknown> {
  /** Each brings about five events. */
  orders: number
}

export const redisPubsubLoss = defineExperiment<Params>({
  name: 'redis-pubsub-loss',
  part: 'realtime-redis',
  question: 'How many events does a subscriber of the channel lose that a client of the stream does not?',
  profiles: { quick: { orders: 1_000 }, default: { orders: 1_000 }, full: { orders: 4_000 } },
  run,
})

const FAULTS = ['none', 'cut', 'slow', 'killed'] as const
type Fault = (typeof FAULTS)[number]

/** What Redis holds for a subscriber that does not read before it cuts it; 32 MB by default. */
const CHANNEL_BUFFER = '262144 0 0'

interface Seen {
  fault: Fault
  published: number
  /** How often each seq was heard. */
  channel: Map<number, number>
  stream: Map<number, number>
  comebacks: number
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, progress } = context
  const part = await context.startOther('realtime-redis', {
    serviceEnv: { 'platform-service': { SOCKET_BUFFER_BYTES: '262144' } },
  })
  const { host, port, db, login, admin, origin } = part.servers.redis!
  const platform = part.services['platform-service']!
  await using lab = await openRedisProbe({ host, port, db, ...admin })
  // Somebody else's Redis keeps its settings: a slow subscriber is not cut there within this experiment.
  const isOurs = origin !== 'external'
  const faults = FAULTS.filter((fault) => isOurs || fault !== 'slow')
  if (isOurs) await lab.configSet('client-output-buffer-limit', `pubsub ${CHANNEL_BUFFER}`)
  await using stack = new AsyncDisposableStack()
  const proxies = {
    redis: await openTcpProxy({ upstream: { host, port } }),
    platform: await openTcpProxy({ upstream: { host: '127.0.0.1', port: platform.port } }),
  }
  for (const proxy of Object.values(proxies)) stack.defer(() => proxy.close())

  const seen: Seen[] = []
  const fan = {
    context,
    url: platform.url,
    proxies,
    address: { host: '127.0.0.1', port: proxies.redis.port, db, ...login },
  }
  for (const fault of faults) {
    progress(`${fault}: ${params.orders * (STEPS.length + 1)} events`)
    seen.push(await measure(fan, fault))
  }
  if (isOurs) await lab.configSet('client-output-buffer-limit', 'pubsub 33554432 8388608 60')

  const rows = seen.map(({ fault, published, channel, stream, comebacks }) => ({
    fault,
    published,
    channel: losses(channel, published),
    stream: losses(stream, published),
    comebacks,
  }))
  const told = (fault: Fault) => rows.find((row) => row.fault === fault)!
  return {
    checks: [
      ...rows.map(({ fault, stream }) =>
        check(
          `with the stream nothing is lost and nothing comes twice: ${fault}`,
          stream.lost === 0 && stream.doubled === 0,
          `${stream.lost} lost, ${stream.doubled} twice`,
        ),
      ),
      ...faults
        .slice(1)
        .map((fault) =>
          check(
            `the channel alone loses: ${fault}`,
            told(fault).channel.lost > 0,
            `${told(fault).channel.lost} lost`,
          ),
        ),
    ],
    tables: [
      {
        title: 'Events that a subscriber never heard',
        columns: [
          'subscriber',
          'events',
          'lost, channel alone',
          'lost, stream',
          'twice, stream',
          'comebacks by seq',
        ],
        rows: rows.map(({ fault, published, channel, stream, comebacks }) => [
          fault,
          published,
          channel.lost,
          stream.lost,
          stream.doubled,
          comebacks,
        ]),
      },
    ],
    reading: [
      `A subscriber that was killed and came back had lost ${told('killed').channel.lost} of ${told('killed').published} events of the channel; a WebSocket that comes back by its seq lost none.`,
    ],
    data: { rows },
  }
}

interface Fan {
  context: ExperimentContext<Params>
  url: string
  proxies: { redis: TcpProxy; platform: TcpProxy }
  address: RedisAddress
}

async function measure({ context, url, proxies, address }: Fan, fault: Fault): Promise<Seen> {
  const { params, signal } = context
  const seen: Seen = { fault, published: 0, channel: new Map(), stream: new Map(), comebacks: 0 }
  const count = (heard: Map<number, number>) => (seq: number) =>
    void heard.set(seq, (heard.get(seq) ?? 0) + 1)
  const onChannel = (message: string) => count(seen.channel)(JSON.parse(message).seq)
  let channel = await subscribeRedis(address, 'pizza_orders', onChannel)
  const follower = followPlatform(`http://127.0.0.1:${proxies.platform.port}`, count(seen.stream))
  follower.start()
  const bothOn = () =>
    until(async () => channel.isOn() && follower.isOn(), {
      what: 'both subscribers',
      timeoutMs: 30_000,
      everyMs: 20,
      signal,
    })
  try {
    await bothOn()
    const ids: string[] = []
    while (ids.length < params.orders)
      ids.push(...(await Promise.all(Array.from({ length: 50 }, () => offerPizza(url)))))
    for (const step of STEPS.keys()) {
      // The first and the last of them find everybody there.
      const isOff = step > 0 && step < STEPS.length - 1
      if (isOff && step === 1) await begin()
      await stepAll(url, ids, step)
      if (isOff && step === STEPS.length - 2) await end()
    }
    seen.published = ids.length * (STEPS.length + 1)
    await until(async () => seen.stream.size === seen.published, {
      what: 'the stream to be read',
      timeoutMs: 30_000,
      everyMs: 50,
      signal,
      detail: () => `${seen.stream.size} of ${seen.published}`,
    })
    seen.comebacks = follower.comebacks()
    return seen
  } finally {
    channel.kill()
    follower.kill()
  }

  async function begin(): Promise<void> {
    const both = Object.values(proxies)
    if (fault === 'cut') await Promise.all(both.map((proxy) => proxy.refuse()))
    if (fault === 'slow') for (const proxy of both) proxy.freeze('down')
    if (fault !== 'killed') return
    channel.kill()
    follower.kill()
  }
  async function end(): Promise<void> {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.heal()))
    if (fault === 'killed') {
      channel = await subscribeRedis(address, 'pizza_orders', onChannel)
      follower.start()
    }
    await bothOn()
  }
}

function losses(heard: Map<number, number>, published: number) {
  const doubled = [...heard.values()].filter((times) => times > 1).length
  return { lost: published - heard.size, doubled }
}
