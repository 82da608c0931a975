import type { Moves } from '../../../wire/flow.ts'
import type { Entry } from '../../../wire/stream.ts'
import { read } from '../lib/api.ts'
import type { Picture } from './picture.ts'

/** What the server remembers of the moves, to be seen once more. */
export interface Recording {
  from: number
  to: number
  entries: { at: number; moves: Moves }[]
}

export async function loadRecording(seconds: number): Promise<Recording> {
  const batches = await read<Entry[][]>(`/api/flow/recording?seconds=${seconds}`)
  const entries = batches
    .flat()
    .filter(([, , kind]) => kind === 'flow')
    .map(([, at, , data]) => ({ at, moves: data as Moves }))
  const to = Date.now()
  return { from: entries[0]?.at ?? to, to: entries.at(-1)?.at ?? to, entries }
}

/** Plays a recording on a picture, forwards from any moment. */
export class Player {
  readonly #recording: Recording
  readonly #picture: Picture
  #next = 0
  #at: number

  constructor(recording: Recording, picture: Picture) {
    this.#recording = recording
    this.#picture = picture
    this.#at = recording.from
  }

  get at(): number {
    return this.#at
  }
  get isOver(): boolean {
    return this.#at >= this.#recording.to
  }

  /** The picture as it was at this moment. */
  seek(at: number, now: number): void {
    this.#picture.clear()
    this.#next = 0
    this.#at = this.#recording.from
    // Long ago enough that whoever has arrived by then has gone.
    this.#play(at, now - 60_000)
    this.#at = at
  }

  /** Goes on by so much of the recorded time. */
  advance(ms: number, now: number): void {
    this.#play(Math.min(this.#at + ms, this.#recording.to), now)
  }

  #play(to: number, now: number): void {
    const { entries } = this.#recording
    for (; this.#next < entries.length && entries[this.#next]!.at <= to; this.#next++) {
      const { moves } = entries[this.#next]!
      this.#picture.apply(moves.lane, moves.moves, now)
    }
    this.#at = to
  }
}
