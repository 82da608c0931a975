/**
 * kafkajs asks which broker coordinates a group or a transaction before every request to that broker: four of the nine requests of a
 * transaction. Here it asks again after a second, or when the connection is gone. A coordinator that has moved answers that it is none;
 * what may be sent twice is tried again for longer than a second, and an end of a transaction that failed is read from the log.
 */
export const ASK_AGAIN_MS = 1_000

interface Coordinator {
  isConnected: () => boolean
}
interface Wanted {
  groupId: string
  coordinatorType?: number
}
interface Found {
  coordinator: Coordinator
  at: number
}
type Find<Cluster> = (this: Cluster, wanted: Wanted) => Promise<Coordinator>

/** `find` as a method of a cluster, that remembers what it found. */
export function remembering<Cluster extends object>(
  find: Find<Cluster>,
  now: () => number = () => performance.now(),
): Find<Cluster> {
  const foundBy = new WeakMap<Cluster, Map<string, Found>>()
  return async function remembered(wanted) {
    const found = foundBy.get(this) ?? new Map<string, Found>()
    foundBy.set(this, found)
    const key = `${wanted.coordinatorType} ${wanted.groupId}`
    const last = found.get(key)
    if (last && now() - last.at < ASK_AGAIN_MS && last.coordinator.isConnected()) return last.coordinator
    const coordinator = await find.call(this, wanted)
    found.set(key, { coordinator, at: now() })
    return coordinator
  }
}
