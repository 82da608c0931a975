import { Stock } from '@lab/common/domain/stock.ts'
import { LabError } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { LogAdmin } from '../broker/admin.ts'
import type { KafkaSettings } from '../broker/client.ts'
import type { Origin } from '../broker/dead-letters.ts'
import type { Offset } from '../broker/positions.ts'
import { decodeInventoryEvent, decodeOrderPlaced, type LogMessage } from '../broker/records.ts'
import { type OnMessages, readToEnd } from '../broker/replay.ts'
import { DEAD_LETTERS, INVENTORY_EVENTS, INVENTORY_GROUP, ORDER_EVENTS } from '../broker/topics.ts'
import { applyDecision, newStockState, type StockState } from './stock-state.ts'

export interface RebuildDeps {
  admin: LogAdmin
  /** `STOCK`: what a log without decisions starts with. */
  configured: Stock
  readLog?: typeof readToEnd
}

/**
 * Reads the stock and the decided orders from the log. To be called after the former owner was fenced: then nothing can be
 * added behind the end that is read here, and what was rebuilt is all there is.
 *
 * Beside each committed offset the owner notes, in the same transaction as its decisions, the initial stock, so a restart with
 * another `STOCK` changes nothing, and the offset itself. An offset without its note was committed by somebody else, a
 * member or a tool, and says nothing about what is decided: what is before it is read, and `readTo` is the first order
 * without a decision.
 */
export async function rebuildStock(
  settings: KafkaSettings,
  { admin, configured, readLog = readToEnd }: RebuildDeps,
): Promise<StockState> {
  const startedAt = performance.now()
  const committed = (await admin.committed(INVENTORY_GROUP, ORDER_EVENTS)).map(
    ({ partition, offset, metadata }) => ({ partition, offset, note: parseNote(metadata) }),
  )
  const noted = committed.find(({ note }) => note)?.note?.initial_stock
  const state = newStockState(noted ?? configured)
  let unreadable = 0

  const read = (topic: string, messages: LogMessage[]) => {
    if (topic === DEAD_LETTERS)
      return messages.forEach(({ headers }) => void state.deadLettered.addFrom(headers))
    for (const message of messages) {
      const { event } = decodeInventoryEvent(message)
      if (event) applyDecision(state, event)
      else unreadable++
    }
  }
  await readLog(settings, { admin, topics: [INVENTORY_EVENTS, DEAD_LETTERS], onMessages: read })

  const ranges = await admin.ranges(ORDER_EVENTS)
  for (const { partition, low } of ranges) state.readTo.set({ topic: ORDER_EVENTS, partition, offset: low })
  const foreign: Offset[] = []
  for (const { partition, offset, note } of committed) {
    if (offset === undefined) continue
    // Behind the end there is nothing yet: what comes there must be read.
    const end = ranges.find((range) => range.partition === partition)?.high ?? offset
    state.readTo.set({ topic: ORDER_EVENTS, partition, offset: Math.min(offset, end) })
    if (note?.read_to !== offset) foreign.push({ topic: ORDER_EVENTS, partition, offset })
  }
  if (foreign.length > 0) {
    settings.log.warn(
      { foreign },
      'offsets committed by somebody else: looking for orders without a decision',
    )
    await readLog(settings, {
      admin,
      topics: [ORDER_EVENTS],
      upTo: foreign,
      onMessages: findUndecided(state, foreign),
    })
  }

  const { stock } = state
  if (Object.values(stock).some((left) => left < 0))
    throw new LabError(
      'LAB_CONFIG_INVALID',
      `STOCK is less than what the log has reserved: ${JSON.stringify(stock)}`,
    )
  const ms = Math.round(performance.now() - startedAt)
  settings.log.info(
    { stock, decided: state.decided.size, unreadable, noted: noted !== undefined, ms },
    'stock rebuilt',
  )
  return state
}

/** Moves `readTo` back to the first record before `limits` that is neither decided nor dead-lettered. */
function findUndecided(state: StockState, limits: Offset[]): OnMessages {
  const isSettled = (message: LogMessage, origin: Origin) => {
    // A valid record has its order as its key, so most need not be parsed.
    if (message.key && state.decided.has(message.key.toString())) return true
    if (state.deadLettered.has(origin)) return true
    const { event } = decodeOrderPlaced(message)
    return event !== undefined && state.decided.has(event.subject)
  }
  return (topic, messages, partition) => {
    const limit = limits.find((one) => one.partition === partition)?.offset ?? 0
    for (const message of messages) {
      const origin = { topic, partition, offset: Number(message.offset) }
      if (origin.offset >= limit || origin.offset >= (state.readTo.get(topic, partition) ?? 0)) return
      if (!isSettled(message, origin)) return state.readTo.set(origin)
    }
  }
}

const Note = z.object({
  initial_stock: Stock,
  /** The offset this stands beside; absent in notes of earlier versions. */
  read_to: z.int().optional(),
})
type Note = z.infer<typeof Note>

/** What is kept beside a committed offset. */
export const ownerNote = ({ initial }: StockState, offset: number): string =>
  JSON.stringify({ initial_stock: initial, read_to: offset } satisfies Note)

export function parseNote(metadata: string): Note | undefined {
  try {
    return Note.parse(JSON.parse(metadata))
  } catch {
    // Another client committed here, without a note.
    return undefined
  }
}
