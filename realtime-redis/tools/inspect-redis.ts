import { messageOf } from '@lab/kit/errors.ts'
import type { Client } from '../redis/connect.ts'
import { keys } from '../redis/keys.ts'
import type { PizzaOrder } from '../redis/schemas.ts'
import { STATUSES } from '../redis/statuses.ts'
import { addressOf, causeOf, type Io, runCommand, table, withRedis } from './command.ts'

const about =
  'Shows what is stored: orders by status, the newest ones, the stream of events, memory. Reads only, and never all orders.'

const NEWEST = 10

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    name: 'inspect',
    about,
    args,
    io,
    work: async (env) => {
      try {
        await withRedis(env, async (client) => {
          io.print(`Redis at ${addressOf(env)}`)
          for (const part of [statuses, newest, stream, memory])
            for (const line of ['', ...(await part(client))]) io.print(line)
        })
        return 0
      } catch (err) {
        io.say(`❌ ${messageOf(err)}\n   likely cause: ${causeOf(err)}`)
        return 1
      }
    },
  })

async function statuses(client: Client): Promise<string[]> {
  const counts = await Promise.all(STATUSES.map((status) => client.zCard(keys.status(status))))
  const rows = STATUSES.map((status, at) => [status, counts[at]!])
  return [
    'Orders by status',
    ...table(['status', 'orders'], [...rows, ['all', await client.zCard(keys.all)]]),
  ]
}

async function newest(client: Client): Promise<string[]> {
  const ids = await client.zRange(keys.all, 0, NEWEST - 1, { REV: true })
  const found = await Promise.all(ids.map((id) => client.get(keys.order(id))))
  const orders = found.flatMap((json) => (json === null ? [] : [JSON.parse(json) as PizzaOrder]))
  const rows = orders.map((one) => [one.id, one.status, one.supplier_name, one.pizza_name, one.updated_at])
  return ['The newest orders', ...table(['id', 'status', 'supplier', 'pizza', 'updated'], rows)]
}

async function stream(client: Client): Promise<string[]> {
  const [first] = (await client.xRange(keys.stream, '-', '+', { COUNT: 1 })) ?? []
  const last = await client.get(keys.seq)
  const rows = [
    ['epoch', (await client.get(keys.epoch)) ?? 'none'],
    ['last seq', last ?? 0],
    ['oldest seq that is kept', first?.id.split('-')[0] ?? 'none'],
  ]
  return ['The stream of events', ...table(['what', 'value'], rows)]
}

async function memory(client: Client): Promise<string[]> {
  const info = await client.info()
  const of = (name: string) => info.match(new RegExp(`^${name}:([^\r\n]+)`, 'm'))?.[1] ?? 'unknown'
  const rows = [
    ['used', of('used_memory_human')],
    ['most that may be used', of('maxmemory_human')],
    ['keys of this Redis', of(`db\\d+`)],
    ['clients', of('connected_clients')],
    ['version', of('redis_version')],
  ]
  return ['Memory and the like', ...table(['what', 'value'], rows)]
}
