import { randomUUID } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import { CHANNEL, keys } from '../redis/keys.ts'
import { addressOf, causeOf, type Io, runCommand, withRedis } from './command.ts'

const about =
  'Says whether Redis does what the platform needs: connects, writes, reads, runs a script, publishes.'

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    name: 'test',
    about,
    args,
    io,
    work: async (env) => {
      io.print(`Redis at ${addressOf(env)}`)
      try {
        await withRedis(env, async (client) => {
          const key = keys.command(`test-${randomUUID()}`)
          await client.ping()
          io.print('✅ it answers')
          await client.set(key, 'pizza', { EX: 5 })
          if ((await client.get(key)) !== 'pizza') throw new Error('what was written is not what is read')
          io.print('✅ it keeps what is written')
          if ((await client.eval("return redis.call('GET', ARGV[1])", { arguments: [key] })) !== 'pizza')
            throw new Error('a script reads something else')
          io.print('✅ it runs scripts')
          const subscriber = client.duplicate()
          subscriber.on('error', () => {
            // The subscription fails, too.
          })
          try {
            await subscriber.connect()
            await subscriber.subscribe(CHANNEL, () => {})
          } finally {
            subscriber.destroy()
          }
          io.print(`✅ it lets listen to ${CHANNEL}`)
        })
        return 0
      } catch (err) {
        io.say(`❌ ${messageOf(err)}\n   likely cause: ${causeOf(err)}`)
        return 1
      }
    },
  })
