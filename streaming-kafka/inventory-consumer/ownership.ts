import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { OwnerWriter } from '../broker/owner-writer.ts'
import type { StockState } from './stock-state.ts'

const RETRY_MS = 500

/** The right to decide: the writer only one process can hold, and the state as of the moment it got it. */
export interface Owner {
  writer: OwnerWriter
  state: StockState
}

export interface OwnershipDeps {
  /** Fences every former owner. */
  openWriter: () => Promise<OwnerWriter>
  /** Reads the state from the log; called after `openWriter`, never before. */
  rebuild: () => Promise<StockState>
  log: Logger
}

/**
 * Stock has one owner at a time. What makes it so is not the consumer group, whose members can be stalled and wrong about
 * it, but the order of two steps: first fence, then read. After the fence nobody else can add a decision, so what is
 * read is complete; and whoever was owner before finds out at its next write, which fails.
 */
export class Ownership {
  readonly #deps: OwnershipDeps
  #owner: Owner | undefined
  #isWanted = false
  #trouble: string | undefined
  /** Goes up whenever the state is given away: what was begun in an earlier term comes to nothing. */
  #term = 0
  #acquiring: { term: number; done: Promise<void> } | undefined

  constructor(deps: OwnershipDeps) {
    this.#deps = deps
  }

  current(): Owner | undefined {
    return this.#owner
  }

  /** Why this process is not the owner; for `/ready`. */
  trouble(): string {
    return this.#trouble ?? 'the stock is being read from the log'
  }

  /** The partitions are with this process: from now on it is to be the owner. */
  take(): void {
    this.#isWanted = true
    this.#trouble = undefined
    void this.acquire()
  }

  /** Resolves with true when this process is owner, with false when it is not to be. Tries for as long as it takes. */
  async acquire(): Promise<boolean> {
    while (this.#isWanted && !this.#owner) {
      const before = this.#acquiring
      if (before?.term !== this.#term) {
        const term = this.#term
        const done = (before?.done ?? Promise.resolve()).then(() => this.#acquireIn(term))
        this.#acquiring = { term, done }
      }
      await this.#acquiring?.done
    }
    return this.#isWanted
  }

  /** Forgets the state: it may be behind the log, or ahead of it. Whoever waits in `acquire` gets the next one. */
  release(reason: string): void {
    this.#term++
    if (!this.#owner) return
    this.#deps.log.info({ reason }, 'stock released')
    const { writer } = this.#owner
    this.#owner = undefined
    void writer.close()
  }

  /**
   * Somebody else is to be the owner, or is already. Until the next `take`, `acquire` does nothing: whoever lost the stock
   * must not fence the one who has it.
   */
  giveUp(reason: string): void {
    this.#isWanted = false
    this.#trouble = reason
    this.release(reason)
  }

  async close(): Promise<void> {
    const writer = this.#owner?.writer
    this.giveUp('closing')
    await this.#acquiring?.done
    await writer?.close()
  }

  async #acquireIn(term: number): Promise<void> {
    const { openWriter, rebuild, log } = this.#deps
    while (this.#term === term && !this.#owner) {
      try {
        const writer = await openWriter()
        reachStep('kafka.owner-fenced')
        const state = await rebuild().catch(async (err) => {
          await writer.close()
          throw err
        })
        if (this.#term === term) this.#owner = { writer, state }
        else await writer.close()
      } catch (err) {
        this.#trouble = messageOf(err)
        log.warn({ err }, 'could not become owner of the stock yet')
        await sleep(RETRY_MS)
      }
    }
  }
}
