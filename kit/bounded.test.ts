import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { bounded, settlesWithin } from './bounded.ts'

const never = () => new Promise<never>(() => {})

describe('settlesWithin', () => {
  test('is true for what settled, whatever with', async () => {
    expect(await settlesWithin(Promise.resolve(1), 1_000)).toBe(true)
    expect(await settlesWithin(Promise.reject(new Error('no')), 1_000)).toBe(true)
  })

  test('is false once the time is over or the signal aborts', async () => {
    const closing = new AbortController()
    const waiting = settlesWithin(never(), 60_000, closing.signal)
    closing.abort()

    expect(await waiting).toBe(false)
    expect(await settlesWithin(Promise.resolve(), 60_000, closing.signal)).toBe(false)
    expect(await settlesWithin(never(), 1)).toBe(false)
  })

  test('leaves nothing with a signal that lives on', async () => {
    const { signal } = new AbortController()

    await settlesWithin(Promise.resolve(), 60_000, signal)
    await settlesWithin(never(), 1, signal)

    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('bounded answers what the work does, or names what took too long', async () => {
  expect(await bounded(Promise.resolve('done'), 1_000, 'it')).toBe('done')
  await expect(bounded(never(), 1, 'the append')).rejects.toThrow('the append took longer than 1 ms')
})
