import { settlesWithin } from '@lab/kit/bounded.ts'
import type { ChannelModel } from 'amqplib'
import { coalesceWrites } from './coalesce.ts'
import type { RetryStep } from './retry-ladder.ts'
import { declareTopology } from './topology.ts'

/** Longest wait for a close, which against a frozen broker may never come. */
export const CLOSE_TIMEOUT_MS = 2_000

/**
 * Declares the topology on a new connection. amqplib's recovery binds its own listeners only after this function, so it
 * guards the time until then itself: an `error` nobody listens to would end the process, and a connection that died
 * unseen in here would count as alive for ever. Nor does amqplib settle every call of a connection that dies: the close
 * of a channel stays pending, and recovery would wait for it without limit.
 */
export async function setUp(connection: ChannelModel, ladder: readonly RetryStep[]): Promise<void> {
  const lost = Promise.withResolvers<never>()
  connection.on('error', () => {
    // The 'close' that follows says it all.
  })
  connection.on('close', (err) => lost.reject(err ?? new Error('the connection closed during its setup')))
  try {
    await Promise.race([lost.promise, declare(connection, ladder)])
    coalesceWrites(connection)
  } catch (err) {
    // Recovery would wait without limit for this close; a second close, its own, fails at once.
    await settlesWithin(connection.close(), CLOSE_TIMEOUT_MS)
    throw err
  }
}

async function declare(connection: ChannelModel, ladder: readonly RetryStep[]): Promise<void> {
  const channel = await connection.createChannel()
  channel.on('error', () => {
    // A refused declaration also rejects the call that made it.
  })
  await declareTopology(channel, ladder)
  await channel.close()
}
