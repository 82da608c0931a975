import type { Logger } from '@lab/kit/log.ts'
import { describe, expect, test, vi } from 'vitest'
import { Ownership } from './ownership.ts'
import { newStockState } from './stock-state.ts'

const log = { info: () => {}, warn: () => {} } as unknown as Logger

function setup() {
  const steps: string[] = []
  const reading = Promise.withResolvers<void>()
  const ownership = new Ownership({
    openWriter: async () => {
      steps.push('fence')
      return { write: async () => {}, close: async () => void steps.push('close') }
    },
    rebuild: async () => {
      steps.push('read')
      await reading.promise
      return newStockState({ burger: 1, pizza: 1, salad: 1 })
    },
    log,
  })
  return { ownership, steps, finishReading: reading.resolve }
}

describe('ownership of the stock', () => {
  test('fences the former owner before it reads the log', async () => {
    const { ownership, steps, finishReading } = setup()
    finishReading()
    ownership.take()

    expect(await Promise.all([ownership.acquire(), ownership.acquire()])).toEqual([true, true])

    expect(steps).toEqual(['fence', 'read'])
    expect(ownership.current()?.state.stock.burger).toBe(1)
  })

  test('is not taken when it is given up while the log is read', async () => {
    const { ownership, steps, finishReading } = setup()
    ownership.take()
    const acquiring = ownership.acquire()
    await vi.waitFor(() => expect(steps).toContain('read'))

    ownership.giveUp('standing by')
    finishReading()

    expect(await acquiring).toBe(false)
    expect(ownership.current()).toBeUndefined()
    expect(steps.at(-1)).toBe('close')
  })

  test('begins anew after a release', async () => {
    const { ownership, steps, finishReading } = setup()
    finishReading()
    ownership.take()
    await ownership.acquire()

    ownership.release('unknown outcome')
    expect(ownership.current()).toBeUndefined()
    await ownership.acquire()

    expect(steps).toEqual(['fence', 'read', 'close', 'fence', 'read'])
  })

  test('is not taken back by whoever was fenced, until the partitions come back', async () => {
    const { ownership, steps, finishReading } = setup()
    finishReading()
    ownership.take()
    await ownership.acquire()

    ownership.giveUp('fenced')

    expect(await ownership.acquire()).toBe(false)
    expect(steps.filter((step) => step === 'fence')).toHaveLength(1)
    ownership.take()
    expect(await ownership.acquire()).toBe(true)
  })
})
