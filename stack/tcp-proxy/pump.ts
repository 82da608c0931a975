import type { Socket } from 'node:net'
import type { Direction, Line } from './line.ts'

/** What one direction of one connection may hold; beyond it the sender is not read any more. */
const MAX_HELD_BYTES = 1024 * 1024

/** Bytes, the end of them, or the news that the sender is gone without one; with the time of its arrival. */
type Item = { at: number } & ({ bytes: Buffer } | { end: 'fin' | 'reset' })

/**
 * Carries one direction of a connection over the line: bytes in order, then how the sender ended. What a frozen line holds
 * back, the other side does not hear of, not even that the sender is gone.
 */
export function pump(source: Socket, sink: Socket, line: Line, direction: Direction): void {
  const held = new Held(source, sink, line, direction)
  source.on('data', (bytes) => held.add({ bytes }))
  source.on('end', () => held.add({ end: 'fin' }))
  source.on('close', () => {
    if (!source.readableEnded || !source.writableFinished) held.add({ end: 'reset' })
    // The other direction may be waiting to send to this side.
    line.wake()
  })
  source.on('error', () => {
    // 'close' follows.
  })
}

/** What is on the line, oldest first. */
class Held {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #line: Line
  readonly #direction: Direction
  readonly #items: Item[] = []
  #bytes = 0
  #isRunning = false

  constructor(source: Socket, sink: Socket, line: Line, direction: Direction) {
    this.#source = source
    this.#sink = sink
    this.#line = line
    this.#direction = direction
  }

  add(item: { bytes: Buffer } | { end: 'fin' | 'reset' }): void {
    this.#items.push({ at: performance.now(), ...item })
    if ('bytes' in item) this.#bytes += item.bytes.length
    if (this.#bytes >= MAX_HELD_BYTES) this.#source.pause()
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let item = this.#items[0]; item !== undefined; item = this.#items[0]) {
      await this.#mayLeave(item.at)
      if ('bytes' in item) await this.#send(item)
      else if (item.end === 'fin') this.#sink.end()
      else reset(this.#sink)
      if (!('bytes' in item) || item.bytes.length === 0) this.#items.shift()
    }
    this.#isRunning = false
  }

  /** The side that would hear of it may be gone meanwhile: then nobody waits for the line. */
  async #mayLeave(arrivedAt: number): Promise<void> {
    while (!this.#sink.destroyed) {
      const ms = this.#line.waitFor(this.#direction, arrivedAt)
      if (ms === 0) return
      await this.#line.changeWithin(ms)
    }
  }

  /** One piece of it; what is left of `item` stays the oldest. */
  async #send(item: { bytes: Buffer }): Promise<void> {
    const piece = item.bytes.subarray(0, this.#line.piece(item.bytes.length))
    item.bytes = item.bytes.subarray(piece.length)
    this.#bytes -= piece.length
    this.#line.occupy(this.#direction, piece.length)
    if (!this.#sink.destroyed && !this.#sink.write(piece)) await drained(this.#sink)
    if (this.#bytes < MAX_HELD_BYTES) this.#source.resume()
  }
}

/** RST, unless there is no connection yet: then there is nobody to tell. */
export function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

/** Until it takes more, or is gone: then there is nothing to wait for. */
function drained(sink: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => {
    sink.off('drain', done)
    sink.off('close', done)
    resolve()
  }
  sink.on('drain', done)
  sink.on('close', done)
  return promise
}
