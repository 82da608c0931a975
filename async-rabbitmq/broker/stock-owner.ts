import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Broker, Connection } from './connection.ts'

export const OWNER_QUEUE = 'inventory_owner'

export interface StockOwner {
  /**
   * Resolves once this connection owns the stock, and it does so for as long as it lives. Waits while an instance with the
   * same store owns it, or is frozen in the midst of a transaction: then nobody else can write to that store until it
   * wakes or ends. Rejects, after a bounded wait and a call of `onRefused`, when another store does.
   */
  claim: (connection: Connection) => Promise<void>
  /** `ok`, or why this instance decides nothing. */
  state: () => string
}

export interface StockOwnerOptions {
  broker: Broker
  /** Which store this instance decides on: equal for instances that share it, and for no others. */
  store: string
  /** Whether this process could write to its store now. */
  isStoreFree: () => boolean
  /** How long another store's owner may take to go away: a killed one's connection can linger. */
  waitMs: number
  onRefused: (err: LabError) => void
  log: Logger
}

type Claim = 'held' | 'same store' | 'another store'

const EVERY_MS = 500
/** Past this, an owner's queue that nobody consumes is gone: it outlives a restart of the broker, its owner may not. */
const EXPIRES_MS = 10_000
const [ACCESS_REFUSED, PRECONDITION_FAILED] = [403, 406]

/**
 * Stock has one owner at a time, and the broker keeps who it is in one queue. The arguments of a queue are what all who
 * declare it must agree on, so the identity of the store is one of them: another store's declaration is refused
 * (406). Its exclusive consumer is the owner: a second one is refused (403), until the broker has seen the first one's
 * connection end. Consumer, relay and this claim share one connection, so no owner outlives its claim there.
 */
export function createStockOwner(options: StockOwnerOptions): StockOwner {
  let state = 'not claimed'
  const claim = async (connection: Connection) => {
    state = 'not claimed'
    let isLost = false
    connection.on('close', () => {
      isLost = true
      state = 'not claimed'
    })
    const standBy = async (why: string) => {
      const standby = `standing by: ${why}`
      if (state !== standby) options.log.info({ why }, 'standing by')
      state = standby
      await sleep(EVERY_MS)
    }
    const deadline = performance.now() + options.waitMs
    for (;;) {
      const answer = await tryClaim(connection, options)
      if (answer === 'held') break
      if (answer === 'another store' && performance.now() > deadline) throw refused(options)
      await standBy(`an instance with ${answer} owns the stock`)
    }
    // Asked for, not waited for in a transaction: that would block this process, and with it its heartbeats.
    while (!options.isStoreFree()) {
      await standBy('the former owner holds the store')
      if (isLost) throw new Error('the connection closed while the store was held')
    }
    state = 'ok'
    options.log.info('owns the stock')
  }
  return { claim, state: () => state }
}

async function tryClaim(connection: Connection, { broker, store }: StockOwnerOptions): Promise<Claim> {
  const channel = await connection.createChannel()
  channel.on('error', () => {
    // A refusal closes the channel, and also rejects the call below.
  })
  try {
    await channel.assertQueue(OWNER_QUEUE, {
      durable: true,
      autoDelete: true,
      arguments: {
        'x-queue-type': 'classic',
        'x-expires': EXPIRES_MS,
        // Nothing is ever published here: this argument only carries the identity of the store.
        'x-dead-letter-exchange': `store:${store}`,
      },
    })
    await channel.consume(OWNER_QUEUE, () => broker.restart(`${OWNER_QUEUE} was deleted`), {
      exclusive: true,
      noAck: true,
    })
    return 'held'
  } catch (err) {
    const { code } = err as { code?: number }
    if (code === PRECONDITION_FAILED) return 'another store'
    if (code === ACCESS_REFUSED) return 'same store'
    throw err
  }
}

function refused({ waitMs, onRefused }: StockOwnerOptions): LabError {
  const err = new LabError(
    'LAB_DEPENDENCY_UNAVAILABLE',
    `Another inventory-service owns the stock on this broker, and still did after ${waitMs} ms. Stock held by one process ` +
      'cannot be decided by two: stop the other one, or start both with the same DATA_DIR on the same machine',
  )
  onRefused(err)
  return err
}
