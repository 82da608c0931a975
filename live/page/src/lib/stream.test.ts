import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Entry } from '../../../wire/stream.ts'
import { createStream, type Source } from './stream.ts'

/** A stand-in for the browser's `EventSource`: the test says what arrives. */
class FakeSource implements Source {
  static all: FakeSource[] = []
  readonly url: string
  isClosed = false
  readonly #listeners = new Map<string, (event: { data?: string }) => void>()

  constructor(url: string) {
    this.url = url
    FakeSource.all.push(this)
  }

  addEventListener(name: string, listener: (event: { data?: string }) => void): void {
    this.#listeners.set(name, listener)
  }

  close(): void {
    this.isClosed = true
  }

  says(name: string, data?: unknown): void {
    this.#listeners.get(name)!(data === undefined ? {} : { data: JSON.stringify(data) })
  }
}

const entry = (seq: number, kind = 'order.placed'): Entry => [seq, 0, kind, { seq }]
const at = (seq: number, epoch = 'one') => ({ epoch, seq, now: 0 })

describe('the stream', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function setup() {
    FakeSource.all = []
    const stream = createStream({ open: (url) => new FakeSource(url) })
    const got: number[] = []
    const starts = vi.fn<() => void>()
    const states: string[] = []
    stream.on('order.', (entries) => got.push(...entries.map(([seq]) => seq)))
    stream.onStart(starts)
    stream.subscribe(({ status, behind }) => states.push(`${status} ${behind}`))
    return { stream, got, starts, states, source: () => FakeSource.all.at(-1)! }
  }

  test('comes back where it had stopped, and takes nothing twice', () => {
    const { got, starts, source } = setup()
    source().says('hello', at(4))
    source().says('message', [entry(5), entry(6)])

    source().says('error')
    vi.advanceTimersByTime(250)
    expect(source().url).toBe('/api/stream?after=one:6')
    source().says('hello', at(6))
    source().says('message', [entry(6), entry(7)])

    expect(got).toEqual([5, 6, 7])
    expect(starts).toHaveBeenCalledOnce()
  })

  test.each([
    ['the server was started anew', at(6, 'two')],
    ['what it missed is not remembered any more', at(90)],
  ])('asks all to load anew when %s', (_why, position) => {
    const { got, starts, source } = setup()
    source().says('hello', at(6))
    source().says('error')
    vi.advanceTimersByTime(250)

    source().says('hello', position)
    source().says('message', [entry(position.seq + 1)])

    expect(starts).toHaveBeenCalledTimes(2)
    expect(got).toEqual([position.seq + 1])
  })

  test('says when it is behind, and when it has caught up', () => {
    const { states, source } = setup()
    source().says('hello', at(0))
    source().says('beat', at(3))
    expect(states.at(-1)).toBe('live 3')

    source().says('message', [entry(1), entry(2), entry(3)])
    source().says('beat', at(3))
    expect(states.at(-1)).toBe('live 0')
  })

  test('takes a connection without a beat for lost, and tries again ever more slowly', () => {
    const { states, source } = setup()
    source().says('hello', at(0))

    vi.advanceTimersByTime(5_000)
    expect(states.at(-1)).toBe('lost 0')
    expect(source().isClosed).toBe(true)

    vi.advanceTimersByTime(250)
    source().says('error')
    const tries = FakeSource.all.length
    vi.advanceTimersByTime(499)
    expect(FakeSource.all).toHaveLength(tries)
    vi.advanceTimersByTime(1)
    expect(FakeSource.all).toHaveLength(tries + 1)
  })

  test('gives a listener its own kind, or all kinds of a family', () => {
    const { stream, source } = setup()
    const one = vi.fn<(entries: Entry[]) => void>()
    const stop = stream.on('figure', one)
    source().says('hello', at(0))

    source().says('message', [entry(1, 'figure'), entry(2, 'order.placed'), entry(3, 'figures')])
    expect(one.mock.calls).toEqual([[[entry(1, 'figure')]]])

    stop()
    source().says('message', [entry(4, 'figure')])
    expect(one).toHaveBeenCalledOnce()
  })
})
