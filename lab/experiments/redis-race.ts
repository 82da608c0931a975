import { randomUUID } from 'node:crypto'
import { request } from 'undici'
import { openRedisProbe, type RedisAddress, type RedisProbe } from '../probes/redis.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'
import { offerPizza, post } from './pizza-orders.ts'

interface Params extends Record<string, unknown> {
  clients: number
  orders: number
}

export const redisRace = defineExperiment<Params>({
  name: 'redis-race',
  part: 'realtime-redis',
  question: 'What becomes of two clicks at once, with a script and with read, modify, write?',
  profiles: {
    quick: { clients: 50, orders: 20 },
    default: { clients: 50, orders: 100 },
    full: { clients: 50, orders: 1_000 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, progress, signal } = context
  const part = await context.startOther('realtime-redis')
  const { url } = part.services['platform-service']!
  const { host, port, db, admin } = part.servers.redis!
  const run = (contest: Contest) => race(params, signal, contest)
  progress('the script')
  const script = await run(await withScript(url, params))
  progress('read, modify, write')
  const naive = await withNaive({ host, port, db, ...admin }, params, run)
  const races = [script, naive]
  const { orders, clients } = params
  return {
    checks: [
      check(
        'with the script each order has one winner',
        script.winners === orders && script.contested === 0,
        `${script.winners} winners of ${orders} orders, ${script.contested} orders with several`,
      ),
      check(
        'everybody else is told who has won',
        script.losers === orders * (clients - 1) && script.other === 0,
        `${script.losers} losers, ${script.other} other answers`,
      ),
      check(
        'no update is lost, and versions count the changes',
        script.lostUpdates === 0 && script.wrongVersions === 0,
        `${script.lostUpdates} lost, ${script.wrongVersions} wrong versions`,
      ),
      check(
        'read, modify, write loses updates',
        naive.lostUpdates > 0,
        `${naive.lostUpdates} of ${naive.winners} changes that were acknowledged are gone`,
      ),
    ],
    tables: [
      tableOf(`${clients} customers want the same pizza, for each of ${orders} orders`, races, [
        ['way', ({ way }) => way],
        ['attempts', ({ attempts }) => attempts],
        ['told they have it', ({ winners }) => winners],
        ['told another has', ({ losers }) => losers],
        ['other answers', ({ other }) => other],
        ['orders sold twice', ({ contested }) => contested],
        ['updates lost', ({ lostUpdates }) => lostUpdates],
        ['wrong versions', ({ wrongVersions }) => wrongVersions],
      ]),
    ],
    reading: [
      `Read, modify, write sold ${naive.contested} of ${orders} pizzas to several customers at once; the script sold each once.`,
    ],
    data: { races },
  }
}

/** One way to sell pizzas. */
interface Contest {
  way: string
  ids: string[]
  buy: (id: string, customer: string, client: number) => Promise<'done' | 'taken' | 'other'>
  /** Who has it, and its version beyond that of one that is sold once. */
  outcome: (id: string) => Promise<{ customer: string; extraVersions: number }>
}

/** What comes of a race of all clients for each order. */
async function race({ clients }: Params, signal: AbortSignal, { way, ids, buy, outcome }: Contest) {
  const customers = Array.from({ length: clients }, (_, at) => `customer ${at}`)
  const rounds = await Array.fromAsync(ids, async (id) => {
    signal.throwIfAborted()
    const told = await Promise.all(customers.map((customer, at) => buy(id, customer, at)))
    const winners = customers.filter((_, at) => told[at] === 'done')
    const { customer, extraVersions } = await outcome(id)
    return { told, winners, lost: winners.filter((winner) => winner !== customer), extraVersions }
  })
  const told = Object.groupBy(
    rounds.flatMap((round) => round.told),
    (answer) => answer,
  )
  return {
    way,
    attempts: clients * ids.length,
    /** Told that they have done it, and told that somebody else has. */
    winners: told.done?.length ?? 0,
    losers: told.taken?.length ?? 0,
    other: told.other?.length ?? 0,
    /** Orders on which more than one was told so. */
    contested: rounds.filter(({ winners }) => winners.length > 1).length,
    /** Winners whose name the order does not have. */
    lostUpdates: rounds.flatMap(({ lost }) => lost).length,
    /** Orders whose version is not the number of their changes. */
    wrongVersions: rounds.filter((round) => 1 + round.extraVersions !== round.winners.length).length,
  }
}

async function withScript(url: string, { orders }: Params): Promise<Contest> {
  const ids: string[] = []
  for (let at = 0; at < orders; at++) {
    const id = await offerPizza(url)
    await post(`${url}/api/orders/${id}/supplier-respond`, { accept: true })
    ids.push(id)
  }
  return {
    way: 'script (the platform)',
    ids,
    buy: async (id, customer_name) => {
      const { status } = await post(`${url}/api/orders/${id}/customer-accept`, {
        customer_name,
        delivery_address: 'Here',
      })
      return status === 200 ? 'done' : status === 409 ? 'taken' : 'other'
    },
    outcome: async (id) => {
      const events = (await (await request(`${url}/api/orders/${id}/events`)).body.json()) as {
        order: { customer_name: string }
        order_version: number
      }[]
      const last = events.at(-1)!
      return { customer: last.order.customer_name, extraVersions: last.order_version - 3 }
    },
  }
}

/** What the script is there to be instead of: each client reads the order, looks at it, and writes it back. */
async function withNaive<Result>(
  address: RedisAddress,
  { clients, orders }: Params,
  work: (contest: Contest) => Promise<Result>,
): Promise<Result> {
  await using stack = new AsyncDisposableStack()
  const probes: RedisProbe[] = []
  for (let at = 0; at < clients; at++) probes.push(stack.use(await openRedisProbe(address)))
  const [one] = probes as [RedisProbe]
  const key = (id: string) => `naive:${id}`
  const ids = Array.from({ length: orders }, () => randomUUID())
  for (const id of ids)
    await one.set(key(id), JSON.stringify({ status: 'supplier_accepted', customer_name: null, version: 2 }))
  stack.defer(() => one.del(ids.map(key)).then(() => {}))
  const read = async (probe: RedisProbe, id: string) => JSON.parse((await probe.get(key(id)))!)
  return await work({
    way: 'read, modify, write',
    ids,
    buy: async (id, customer_name, client) => {
      const order = await read(probes[client]!, id)
      if (order.status !== 'supplier_accepted') return 'taken'
      const sold = { status: 'customer_accepted', customer_name, version: order.version + 1 }
      await probes[client]!.set(key(id), JSON.stringify(sold))
      return 'done'
    },
    outcome: async (id) => {
      const { customer_name, version } = await read(one, id)
      return { customer: customer_name, extraVersions: version - 3 }
    },
  })
}
