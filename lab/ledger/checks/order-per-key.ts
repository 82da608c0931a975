import type { Case } from './check.ts'

/**
 * Of two orders with the same key, one acknowledged before the other was sent, the first is decided first. Orders that
 * were under way at the same time may be decided either way.
 */
export function checkOrderPerKey({ table, promises, anomalies }: Case): void {
  if (!promises.ordersPerKey) return
  /** By key: the row, of those decided so far, that was sent last. */
  const lastSent = new Map<number, number>()
  for (let i = 0; i < table.decisionCount; i++) {
    const row = table.decisions.get(i)
    const key = table.key.get(row)
    if (key === 0) continue
    const last = lastSent.get(key)
    if (last !== undefined && table.doneMs.get(row) < table.sentMs.get(last)) {
      anomalies.add(
        'reordered',
        table.nameOf(row),
        `${table.nameOf(last)} was sent after it, and decided before it`,
      )
    }
    if (last === undefined || table.sentMs.get(row) > table.sentMs.get(last)) lastSent.set(key, row)
  }
}
