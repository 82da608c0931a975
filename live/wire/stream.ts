/** One thing that happened: its number, when (milliseconds since the epoch), of what kind, and what there is to know. */
export type Entry = [seq: number, at: number, kind: string, data: unknown]

/**
 * `GET /api/stream?after=<epoch>:<seq>`: server-sent events.
 * - `hello`  `Position`: where the stream goes on. It is never `after`'s own epoch and number where entries between are gone.
 * - `message`  `Entry[]`, in order and without a gap
 * - `beat`  `Position`, every second: what is the last there is. A reader that has less is behind.
 */
export interface Position {
  /** Changes with every start of the server: numbers of another epoch say nothing. */
  epoch: string
  seq: number
  /** The server's clock, milliseconds since the epoch. */
  now: number
}
