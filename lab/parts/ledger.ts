import { Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { z } from 'zod'
import { type Check, voidingCheck } from '../experiments/experiment.ts'
import { type HistoryFile, type HistoryRecord, openHistoryFile } from '../ledger/history.ts'
import type { Observed } from '../ledger/observed.ts'
import { compare, type LedgerVerdict } from '../ledger/verdict.ts'
import type { RunningTrio } from '../trio.ts'
import { openPartClient } from './client.ts'
import { drivers } from './index.ts'

export interface LedgerOptions {
  signal: AbortSignal
  /** Everything clients sent to this part since it was started: files, or records that were kept. */
  histories: (string | HistoryRecord[])[]
  initial: Stock
  /** How long the part may take to come to rest. */
  settleMs?: number
  /** How many dead letters that name no order were put there on purpose. */
  plantedDeadLetters?: number
  /** Orders, in lower case, that were notified past the order service: no order answers for these. */
  notifiedPastOrders?: ReadonlySet<string>
  /** Whether the broker is asked as well; it is, unless there are too many orders to read all of its log. */
  asksBroker?: boolean
}

/**
 * Lets the part come to rest, then holds every intended order against what it has. A part that does not rest is a verdict.
 * Over connections of its own: those from before a fault may be as broken as the fault was.
 */
export async function ledgerOf(part: RunningTrio, options: LedgerOptions): Promise<LedgerVerdict> {
  const { histories, initial, settleMs = 30_000, plantedDeadLetters, notifiedPastOrders } = options
  const { asksBroker = true, signal } = options
  await using client = openPartClient(part, signal)
  const driver = drivers[part.part]
  await using watch = await driver.watch({ part, client, signal })
  await watch.settled(settleMs).catch(() => {
    signal.throwIfAborted() // otherwise the ledger says what still waits, order by order
  })
  const observed: Observed = {
    orders: client.list('order', '/orders', Order),
    stock: { initial, left: Left.parse(await client.read('inventory', '/stock')) },
    ...(part.third.role === 'notification' && {
      notifications: without(client.list('third', '/notifications', Notified), notifiedPastOrders),
    }),
    ...(asksBroker && (await watch.sources())),
    ...(plantedDeadLetters !== undefined && { plantedDeadLetters }),
  }
  const files = histories.filter((history) => typeof history === 'string').map(openHistoryFile)
  const kept = histories.filter((history) => typeof history !== 'string')
  // Awaited here: the connections are closed when this function is left.
  return await compare(
    { records: inTurn(files, kept), isComplete: () => files.every((file) => file.isComplete()) },
    observed,
    driver.promises,
  )
}

const Notified = z.object({ order_id: z.string() })
/** Counts below zero are for the ledger to find, so they are read. */
const Left = z.object({ burger: z.number(), pizza: z.number(), salad: z.number() })

async function* without(all: AsyncIterable<z.infer<typeof Notified>>, ids?: ReadonlySet<string>) {
  for await (const one of all) if (!ids?.has(one.order_id.toLowerCase())) yield one
}

async function* inTurn(files: HistoryFile[], kept: HistoryRecord[][]): AsyncGenerator<HistoryRecord> {
  for (const { records } of files) yield* records
  for (const records of kept) yield* records
}

/** `what` says whose ledger. When it does not balance, no figure of the experiment may be believed. */
export function ledgerCheck(what: string, { verdict, reasons, totals }: LedgerVerdict): Check {
  const { intended, outcomes, reserved, failed, notified, dead_lettered } = totals
  const answers = Object.entries(outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`)
  const counted = `${intended} orders intended (${answers.join(', ')}); ${reserved} reserved, ${failed} failed, ${notified} notified, ${dead_lettered} dead-lettered`
  const holds = verdict === 'balanced'
  return voidingCheck(
    `the ledger balances${what}`,
    holds,
    holds ? counted : `${verdict}: ${reasons.join('; ')}; ${counted}`,
  )
}
