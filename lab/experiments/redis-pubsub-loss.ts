import { waitFor } from '@lab/kit/wait.ts'
import { openTcpProxy, type TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { followPlatform, openRedisProbe, type RedisAddress, subscribeRedis } from '../probes/redis.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'
import { offerPizzas, LONG_STEPS as STEPS, stepAll } from './pizza-orders.ts'

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

  const fan = {
    context,
    url: platform.url,
    proxies,
    address: { host: '127.0.0.1', port: proxies.redis.port, db, ...login },
  }
  const rows = await Array.fromAsync(faults, (fault) => {
    progress(`${fault}: ${params.orders * (STEPS.length + 1)} events`)
    return measure(fan, fault)
  })
  if (isOurs) await lab.configSet('client-output-buffer-limit', 'pubsub 33554432 8388608 60')

  const killed = rows.find(({ fault }) => fault === 'killed')!
  return {
    checks: [
      ...rows.map(({ fault, stream }) =>
        check(
          `with the stream nothing is lost and nothing comes twice: ${fault}`,
          stream.lost === 0 && stream.doubled === 0,
          `${stream.lost} lost, ${stream.doubled} twice`,
        ),
      ),
      ...rows
        .slice(1)
        .map(({ fault, channel: { lost } }) =>
          check(`the channel alone loses: ${fault}`, lost > 0, `${lost} lost`),
        ),
    ],
    tables: [
      tableOf('Events that a subscriber never heard', rows, [
        ['subscriber', ({ fault }) => fault],
        ['events', ({ published }) => published],
        ['lost, channel alone', ({ channel }) => channel.lost],
        ['lost, stream', ({ stream }) => stream.lost],
        ['twice, stream', ({ stream }) => stream.doubled],
        ['comebacks by seq', ({ comebacks }) => comebacks],
      ]),
    ],
    reading: [
      `A subscriber that was killed and came back had lost ${killed.channel.lost} of ${killed.published} events of the channel; a WebSocket that comes back by its seq lost none.`,
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

async function measure({ context, url, proxies, address }: Fan, fault: Fault) {
  const { params, signal } = context
  /** How often each seq was heard. */
  const seen = { channel: new Map<number, number>(), stream: new Map<number, number>() }
  const count = (heard: Map<number, number>) => (seq: number) =>
    void heard.set(seq, (heard.get(seq) ?? 0) + 1)
  const onChannel = (message: string) => count(seen.channel)(JSON.parse(message).seq)
  let channel = await subscribeRedis(address, 'pizza_orders', onChannel)
  const follower = followPlatform(`http://127.0.0.1:${proxies.platform.port}`, count(seen.stream))
  follower.start()
  const patience = { timeoutMs: 30_000, everyMs: 20, signal }
  const bothOn = () => waitFor('both subscribers', () => channel.isOn() && follower.isOn(), patience)
  try {
    await bothOn()
    const ids = await offerPizzas(url, params.orders)
    for (const [at, step] of STEPS.entries()) {
      // The first and the last of them find everybody there.
      if (at === 1) await begin()
      await stepAll(url, ids, step)
      if (at === STEPS.length - 2) await end()
    }
    const published = ids.length * (STEPS.length + 1)
    const detail = () => `${seen.stream.size} of ${published}`
    const isRead = () => seen.stream.size === published
    await waitFor('the stream to be read', isRead, { ...patience, detail })
    const lossesOf = (heard: Map<number, number>) => ({
      lost: published - heard.size,
      doubled: [...heard.values()].filter((times) => times > 1).length,
    })
    return {
      fault,
      published,
      channel: lossesOf(seen.channel),
      stream: lossesOf(seen.stream),
      comebacks: follower.comebacks(),
    }
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
