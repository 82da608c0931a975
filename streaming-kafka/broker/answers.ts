import { connect, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'
import { bytesForAnswer } from './answer-bytes.ts'

const KEEP_ALIVE_MS = 60_000
const READ_BYTES = 64 * 1024
const LENGTH_BYTES = 4
/** Far above what any request here asks for. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/**
 * A socket whose every `data` is one whole answer of a broker. It reads into one buffer for its life, and an answer is copied once,
 * to where its records are read; by itself Node makes a buffer for every 64 KiB that arrive, and kafkajs joins them.
 */
export const openSocket: ISocketFactory = ({ host, port, onConnect }) => {
  const answers = new Answers((answer) => socket.emit('data', answer))
  const callback = (count: number, buffer: Uint8Array): boolean => {
    try {
      answers.add(buffer.subarray(0, count))
    } catch (err) {
      socket.destroy(err as Error)
    }
    return true
  }
  const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback }
  const socket: Socket = connect({ host, port, onread }, onConnect)
  return socket.setKeepAlive(true, KEEP_ALIVE_MS)
}

/** Puts answers together from what arrives. Each begins with its length, in four bytes, which stays part of it here. */
export class Answers {
  readonly #onAnswer: (answer: Buffer) => void
  readonly #length = Buffer.alloc(LENGTH_BYTES)
  /** What is being filled: an answer, or while its length is unknown that. */
  #into = this.#length
  #filled = 0

  constructor(onAnswer: (answer: Buffer) => void) {
    this.#onAnswer = onAnswer
  }

  /** Throws when what comes is no answer. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#into.length - this.#filled)
      this.#into.set(part, this.#filled)
      at += part.length
      this.#filled += part.length
      if (this.#filled === this.#into.length) this.#next()
    }
  }

  #next(): void {
    const filled = this.#into
    if (filled === this.#length) {
      const size = filled.readInt32BE()
      if (size < LENGTH_BYTES || size > MAX_ANSWER_BYTES) throw new RangeError(`an answer of ${size} bytes`)
      this.#into = bytesForAnswer(LENGTH_BYTES + size)
      this.#into.set(filled)
      return
    }
    this.#into = this.#length
    this.#filled = 0
    this.#onAnswer(filled)
  }
}
