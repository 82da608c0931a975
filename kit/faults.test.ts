import { describe, expect, test } from 'vitest'
import { Faults } from './faults.ts'

describe('faults', () => {
  test('do nothing until they are switched on', async () => {
    const faults = new Faults()
    await faults.apply()
    expect(faults.active()).toEqual({ delay_seconds: 0, fail: false, expires_at: null })
  })

  test('fail with a retryable error while failing is on', async () => {
    const faults = new Faults()
    faults.setFail(true)
    await expect(faults.apply()).rejects.toMatchObject({ code: 'LAB_FAULT_INJECTED', retryable: true })
    faults.setFail(false)
    await faults.apply()
  })

  test('expire by themselves', async () => {
    let now = 1_000_000
    const faults = new Faults(() => now)
    faults.setFail(true, 10)
    faults.setDelay(3_600, 10)
    expect(faults.active()).toEqual({ delay_seconds: 3_600, fail: true, expires_at: 1_010 })
    now += 10_001
    await faults.apply()
    expect(faults.isActive).toBe(false)
  })

  test('end a delay at once when it is cleared', async () => {
    const faults = new Faults()
    faults.setDelay(3_600)
    const applied = faults.apply()
    faults.clear()
    await applied
  })
})
