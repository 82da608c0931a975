import { Stock } from '@lab/common/domain/stock.ts'
import { LabError } from '@lab/common/kit/errors.ts'
import { z } from 'zod'
import type { LogAdmin } from '../broker/admin.ts'
import type { KafkaSettings } from '../broker/client.ts'
import { decodeInventoryEvent, type LogMessage } from '../broker/records.ts'
import { readToEnd } from '../broker/replay.ts'
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
 * The initial stock is noted beside the committed offsets in the same transactions as the decisions, so a restart with
 * another `STOCK` changes nothing.
 */
export async function rebuildStock(
  settings: KafkaSettings,
  { admin, configured, readLog = readToEnd }: RebuildDeps,
): Promise<StockState> {
  const startedAt = performance.now()
  const noted = await notedStock(admin)
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

const Note = z.object({ initial_stock: Stock })

/** What is kept beside each committed offset. */
export const stockNote = ({ initial }: StockState): string =>
  JSON.stringify({ initial_stock: initial } satisfies z.infer<typeof Note>)

async function notedStock(admin: LogAdmin): Promise<Stock | undefined> {
  for (const { metadata } of await admin.committed(INVENTORY_GROUP, ORDER_EVENTS)) {
    const note = parseNote(metadata)
    if (note) return note
  }
  return undefined
}

export function parseNote(metadata: string): Stock | undefined {
  try {
    return Note.parse(JSON.parse(metadata)).initial_stock
  } catch {
    // Another client committed here, without a note.
    return undefined
  }
}
