/** `up` is from the client to the upstream, `down` the way back. */
export type Direction = 'up' | 'down'

/** Pieces of a throttled line last about this long, so that connections take turns. */
const PIECE_MS = 50

/** How the line between the two sides is now. One for all connections of a proxy: they share its bandwidth. */
export class Line {
  #delayMs = 0
  #bytesPerSecond = Number.POSITIVE_INFINITY
  readonly #frozen = new Set<Direction>()
  readonly #freeAt: Record<Direction, number> = { up: 0, down: 0 }
  readonly #waiting = new Set<() => void>()

  set(change: { delayMs?: number; bytesPerSecond?: number; frozen?: Direction[] }): void {
    this.#delayMs = change.delayMs ?? this.#delayMs
    this.#bytesPerSecond = change.bytesPerSecond ?? this.#bytesPerSecond
    for (const direction of change.frozen ?? []) this.#frozen.add(direction)
    this.#changed()
  }

  heal(): void {
    this.#delayMs = 0
    this.#bytesPerSecond = Number.POSITIVE_INFINITY
    this.#frozen.clear()
    this.#freeAt.up = 0
    this.#freeAt.down = 0
    this.#changed()
  }

  /** Wakes whoever waits, so that it looks at the line, and at whether it is still wanted, again. */
  wake(): void {
    this.#changed()
  }

  /** How many of `bytes` may go in one piece. */
  piece(bytes: number): number {
    return Math.min(bytes, Math.max(1, Math.ceil((this.#bytesPerSecond * PIECE_MS) / 1_000)))
  }

  /** Milliseconds until what arrived at `at` may leave; undefined while the direction is frozen. */
  waitFor(direction: Direction, at: number): number | undefined {
    if (this.#frozen.has(direction)) return undefined
    return Math.max(0, at + this.#delayMs - performance.now(), this.#freeAt[direction] - performance.now())
  }

  /** These bytes leave now: the line is busy with them for as long as they take. */
  occupy(direction: Direction, bytes: number): void {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return
    const from = Math.max(performance.now(), this.#freeAt[direction])
    this.#freeAt[direction] = from + (bytes / this.#bytesPerSecond) * 1_000
  }

  /** Resolves after `ms`, or as soon as the line has changed; without `ms` only then. */
  async changeWithin(ms: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve()
  }
}
