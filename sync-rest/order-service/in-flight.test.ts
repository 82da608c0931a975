import { describe, expect, test } from 'vitest'
import { bounded } from './in-flight.ts'

describe('calls in flight', () => {
  test('are refused beyond the bound, and taken again when one has ended', async () => {
    const gate = Promise.withResolvers<string>()
    const { run } = bounded(() => gate.promise, { max: 2 })

    const calls = [run(), run()]
    await expect(run()).rejects.toMatchObject({ code: 'LAB_OVERLOADED', retryable: true })

    gate.resolve('done')
    await Promise.all(calls)
    expect(await run()).toBe('done')
  })

  test('hold up a drain until the last has ended, however it ends', async () => {
    const gate = Promise.withResolvers<never>()
    const { run, drain } = bounded(() => gate.promise, { max: 2 })
    const call = run()

    const drained = drain().then(() => 'drained')
    expect(await Promise.race([drained, 'still pending'])).toBe('still pending')

    gate.reject(new Error('broken'))
    await expect(call).rejects.toThrow('broken')
    expect(await drained).toBe('drained')
  })
})
