/** Larger than any element a service of the lab answers: beyond it the text is no list of orders. */
const MAX_ELEMENT_CHARACTERS = 1_000_000

/**
 * Reads a JSON array as it arrives and gives its elements in batches, so that the whole is never in memory. Throws when
 * the text is no array, ends before its closing bracket, or has something after it.
 */
export async function* readJsonArray(chunks: AsyncIterable<string>): AsyncGenerator<unknown[]> {
  const scanner = new ArrayScanner()
  for await (const chunk of chunks) {
    const batch = scanner.feed(chunk)
    if (batch.length > 0) yield batch
  }
  scanner.end()
}

class ArrayScanner {
  #text = ''
  /** Where scanning goes on: everything before was looked at. */
  #at = 0
  #depth = 0
  #isInString = false
  #isClosed = false
  #elements = 0

  feed(chunk: string): unknown[] {
    if (this.#isClosed && chunk.trim() !== '') throw new Error('there is text after the array')
    this.#text += chunk
    if (this.#depth === 0 && !this.#isClosed && !this.#open()) return []
    const end = this.#lastElementEnd()
    if (end === -1) {
      if (this.#text.length > MAX_ELEMENT_CHARACTERS) throw new Error('an element of the array is too long')
      return []
    }
    const batch = this.#parse(this.#text.slice(0, end))
    // Past the comma; a closed array keeps its bracket, and what follows it is an error.
    this.#text = this.#text.slice(end + 1)
    this.#at -= end + 1
    if (this.#isClosed && this.#text.trim() !== '') throw new Error('there is text after the array')
    this.#elements += batch.length
    return batch
  }

  end(): void {
    if (!this.#isClosed) throw new Error(`the array breaks off after ${this.#elements} elements`)
  }

  #open(): boolean {
    const text = this.#text.trimStart()
    if (text === '') return false
    if (text[0] !== '[') throw new Error(`'${text.slice(0, 20)}' does not begin an array`)
    this.#text = text.slice(1)
    this.#depth = 1
    return true
  }

  /** Where the last whole element ends (at a comma or the closing bracket), or -1. */
  #lastElementEnd(): number {
    const text = this.#text
    let end = -1
    let at = this.#at
    for (; at < text.length && !this.#isClosed; at++) {
      const code = text.charCodeAt(at)
      if (this.#isInString) {
        if (code === BACKSLASH) at++
        else if (code === QUOTE) this.#isInString = false
      } else if (code === QUOTE) this.#isInString = true
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) this.#depth++
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) this.#depth--
      if (this.#depth === 1 && code === COMMA && !this.#isInString) end = at
      if (this.#depth === 0) {
        this.#isClosed = true
        end = at
      }
    }
    this.#at = at
    return end
  }

  #parse(elements: string): unknown[] {
    if (elements.trim() !== '') return JSON.parse(`[${elements}]`) as unknown[]
    if (this.#isClosed && this.#elements === 0) return []
    throw new Error(`nothing stands where element ${this.#elements + 1} should`)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
