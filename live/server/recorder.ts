import { randomUUID } from 'node:crypto'
import type { Entry, Position } from '../wire/stream.ts'

/** Entries that were published together, serialised once for all who read them. */
export interface Batch {
  first: number
  last: number
  /** Of its last entry, milliseconds since the epoch. */
  at: number
  /** `Entry[]` as JSON. */
  json: Buffer
}

export interface RecorderOptions {
  /** How much is remembered, in bytes of JSON. The oldest goes first. */
  capacityBytes?: number
  /** How long entries are gathered before they are serialised and sent. */
  gatherMs?: number
  now?: () => number
}

/**
 * What happened, in order: numbered from 1, remembered for a while, and the one source of the stream. A number is given
 * once; a restart of the server begins a new epoch. What is remembered lies outside of V8's heap.
 */
export class Recorder {
  readonly epoch = randomUUID()
  /** Windows that read the stream now. */
  readers = 0
  readonly #batches: Batch[] = []
  readonly #listeners = new Set<() => void>()
  readonly #capacityBytes: number
  readonly #gatherMs: number
  readonly #now: () => number
  #gathered: Entry[] = []
  #bytes = 0
  #seq = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ capacityBytes = 10 * 1024 * 1024, gatherMs = 50, now = Date.now }: RecorderOptions = {}) {
    this.#capacityBytes = capacityBytes
    this.#gatherMs = gatherMs
    this.#now = now
  }

  /** Answers the entry's number. `at` is when it happened, where that is known better than by now. */
  publish(kind: string, data: unknown, at = this.#now()): number {
    this.#gathered.push([++this.#seq, at, kind, data])
    this.#timer ??= setTimeout(() => this.flush(), this.#gatherMs).unref()
    return this.#seq
  }

  /** The last number that readers can have. */
  position(): Position {
    return { epoch: this.epoch, seq: this.#batches.at(-1)?.last ?? 0, now: this.#now() }
  }

  /** All that is remembered, oldest first; with `seq`, the batches that hold anything later. */
  since(seq = 0): readonly Batch[] {
    const from = lowerBound(this.#batches, (batch) => batch.last > seq)
    return this.#batches.slice(from)
  }

  /** Whether everything after this number is remembered still. */
  reaches(seq: number): boolean {
    const oldest = this.#batches[0]?.first ?? this.position().seq + 1
    return seq >= oldest - 1 && seq <= this.position().seq
  }

  /** Calls `listener` whenever there is more; answers how to stop that. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Serialises and announces what was gathered. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const gathered = this.#gathered
    if (gathered.length === 0) return
    this.#gathered = []
    const text = JSON.stringify(gathered)
    // With memory of its own: out of Buffer's pool, each batch would keep all of the 64 KiB it was a piece of.
    const json = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
    json.write(text)
    const [last, at] = gathered.at(-1)!
    this.#batches.push({ first: gathered[0]![0], last, at, json })
    this.#bytes += json.length
    let gone = 0
    while (this.#bytes > this.#capacityBytes && gone < this.#batches.length - 1)
      this.#bytes -= this.#batches[gone++]!.json.length
    this.#batches.splice(0, gone)
    for (const listener of this.#listeners) listener()
  }
}

/** The index of the first for which `holds`, in a list whose beginning does not and whose end does. */
function lowerBound<One>(all: readonly One[], holds: (one: One) => boolean): number {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(all[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
