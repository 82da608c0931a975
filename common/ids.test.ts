import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { derivedId, newOrderId, orderIdForKey } from './ids.ts'

describe('ids', () => {
  test('are UUIDs, fresh or derived', () => {
    for (const id of [newOrderId(), derivedId('a'), orderIdForKey('k')])
      expect(z.uuid().safeParse(id).success).toBe(true)
  })

  test('derive the same id from the same parts and another from others', () => {
    expect(derivedId('a', 'b')).toBe(derivedId('a', 'b'))
    expect(derivedId('a', 'b')).not.toBe(derivedId('ab'))
    expect(orderIdForKey('k1')).not.toBe(orderIdForKey('k2'))
  })

  test('keep version and variant bits for many inputs', () => {
    for (let i = 0; i < 1_000; i++)
      expect(z.uuid({ version: 'v5' }).safeParse(derivedId(String(i))).success).toBe(true)
  })
})
