import type { DeadLetter, Replacement } from './letter.ts'

/** What is known of a message that was sent back, and by which fact. */
export interface Fact {
  state: 'effected' | 'repeated' | 'died-again'
  fact: string
}

/** The dead letters of one part. Looking changes nothing: no letter is lost, reordered, or nearer to being dropped. */
export interface Place {
  part: string
  /** Hands over the letters that are there, the oldest first, until `visit` answers true. Answers how many there are. */
  look: (visit: (letter: DeadLetter) => boolean | undefined, limit?: number) => Promise<number>
  /** How many there are, without looking at them. */
  count: () => Promise<number>
  open: () => Promise<Work>
}

/** A connection with which letters are taken and sent back. */
export interface Work extends AsyncDisposable {
  /**
   * Hands over the letters with these ids, one after the other, and nobody else gets them meanwhile. One goes for good when
   * `handle` has resolved to true; every other one is where it was, whatever happens.
   */
  take: (ids: ReadonlySet<string>, handle: (letter: DeadLetter) => Promise<boolean>) => Promise<void>
  /** To where the letter came from. Resolves once the broker has it for good; rejects when that is not known. */
  send: (letter: DeadLetter, replacement: Replacement) => Promise<void>
  /** What is known by now of what was sent, by token. */
  facts: () => Promise<ReadonlyMap<string, Fact>>
}
