import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { messageOf } from '@lab/kit/errors.ts'
import { within } from '@lab/kit/wait.ts'
import type { Client, RedisEnv } from '../redis/connect.ts'
import { keys } from '../redis/keys.ts'
import { addressOf, causeOf, type Io, runCommand, table, withRedis } from './command.ts'

const about = `Goes the way to Redis step by step: name, network, credentials, rights, latency, what it does with its data. Says of what
fails what the likely cause is. Reads only.`

const PINGS = 200

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    name: 'diagnose',
    about,
    args,
    io,
    work: async (env) => {
      io.print(`Redis at ${addressOf(env)}`)
      let failed = 0
      /** Undefined when it failed. */
      const step = async <Result>(what: string, ask: () => Promise<[string, Result]>) => {
        try {
          const [found, result] = await ask()
          io.print(`✅ ${what}: ${found}`)
          return result
        } catch (err) {
          failed++
          io.print(`❌ ${what}: ${messageOf(err) || (err as NodeJS.ErrnoException).code}`)
          io.print(`   likely cause: ${causeOf(err)}`)
          return undefined
        }
      }
      const found = await step('name', async () => {
        const { address } = await lookup(env.REDIS_HOST)
        return [address, address]
      })
      const isReached = found && (await step('network', async () => [await reach(env), true]))
      if (isReached)
        await step('credentials', () =>
          withRedis(env, async (client) => {
            await step('rights', async () => [await rights(client), true])
            await step('latency', async () => [await latency(client), true])
            await step('persistence', async () => [await persistence(client), true])
            return [`${env.REDIS_USERNAME} is let in`, true]
          }),
        )
      return failed === 0 ? 0 : 1
    },
  })

async function reach({ REDIS_HOST: host, REDIS_PORT: port, REDIS_TIMEOUT_MS }: RedisEnv): Promise<string> {
  const socket = connect({ host, port })
  try {
    const connected = new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    await within(connected, REDIS_TIMEOUT_MS, 'a connection (timeout)')
    return `port ${port} is open`
  } finally {
    socket.destroy()
  }
}

/** Reading commands on names that nothing has: only whether they are allowed is of interest. */
async function rights(client: Client): Promise<string> {
  const nothing = keys.command('diagnose')
  const asked: [string, string[]][] = [
    ['read orders', ['GET', keys.order('diagnose')]],
    ['read details', ['HGETALL', keys.meta('diagnose')]],
    ['read indexes', ['ZCARD', keys.all]],
    ['read the stream', ['XRANGE', keys.stream, '-', '+', 'COUNT', '1']],
    ['read ids for tracking', ['GET', keys.tracking('diagnose')]],
    ['expire', ['EXPIRE', nothing, '1']],
    ['run scripts', ['EVAL', 'return 1', '0']],
  ]
  const refused: string[] = []
  let first: unknown
  for (const [what, command] of asked) {
    await client.sendCommand(command).catch((err) => {
      first ??= err
      refused.push(what)
    })
  }
  if (refused.length > 0) throw new Error(`may not ${refused.join(', may not ')}`, { cause: first })
  const more = await client.sendCommand(['CONFIG', 'GET', 'port']).then(
    () => ', and more than it needs (CONFIG)',
    () => ', and no more than it needs',
  )
  return `what the platform needs is allowed${more}`
}

async function latency(client: Client): Promise<string> {
  const us: number[] = []
  for (let at = 0; at < PINGS; at++) {
    const from = performance.now()
    await client.ping()
    us.push((performance.now() - from) * 1_000)
  }
  us.sort((a, b) => a - b)
  return `${PINGS} pings, p50 ${us[PINGS / 2]!.toFixed(0)} µs, p99 ${us[PINGS * 0.99]!.toFixed(0)} µs`
}

async function persistence(client: Client): Promise<string> {
  const info = await client.info('persistence')
  const of = (name: string) => info.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1] ?? 'unknown'
  const fsync = await client
    .configGet('appendfsync')
    .then((found) => String((found as Record<string, string>).appendfsync))
    .catch(() => 'not allowed to ask')
  const rows = [
    [
      'append only file',
      of('aof_enabled') === '1' ? 'on' : 'off: a killed Redis loses what its last snapshot has not',
    ],
    ['appendfsync', fsync === 'everysec' ? 'everysec: a power failure loses up to two seconds' : fsync],
    ['last write of it', of('aof_last_write_status')],
  ]
  if (of('aof_enabled') !== '1' || of('aof_last_write_status') !== 'ok')
    throw new Error(`acknowledged orders may be lost\n${table(['setting', 'value'], rows).join('\n')}`)
  return rows.map(([name, value]) => `${name} ${value}`).join(', ')
}
