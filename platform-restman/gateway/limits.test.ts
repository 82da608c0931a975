import { describe, expect, test } from 'vitest'
import { createCircuit } from './circuit.ts'
import { createClientOf } from './client.ts'
import { createLimit } from './limits.ts'

describe('a limit', () => {
  test('lets a burst pass, then an even flow, and counts everybody alone', () => {
    let now = 0
    const limit = createLimit(60, 'this address', () => now)
    const passes = (who: string) => {
      try {
        limit.take(who)
        return true
      } catch (err) {
        expect(err).toMatchObject({ code: 'LAB_TOO_MANY_REQUESTS', retryAfterSeconds: 1 })
        return false
      }
    }

    expect(Array.from({ length: 11 }, () => passes('a'))).toEqual([...Array(10).fill(true), false])
    expect(passes('b')).toBe(true)
    now = 1_000
    expect([passes('a'), passes('a')]).toEqual([true, false])
    now = 1e9
    expect(Array.from({ length: 11 }, () => passes('a')).filter(Boolean)).toHaveLength(10)
  })
})

describe('a circuit', () => {
  test('opens after five failures in a row, tries once a second, closes with a success', () => {
    let now = 0
    const circuit = createCircuit(() => now)
    for (let at = 0; at < 4; at++) circuit.failed()
    circuit.succeeded()
    for (let at = 0; at < 5; at++) {
      expect(circuit.admits()).toBe(true)
      circuit.failed()
    }

    expect([circuit.state(), circuit.admits()]).toEqual(['open', false])
    now = 1_000
    expect([circuit.admits(), circuit.admits()]).toEqual([true, false])
    circuit.succeeded()
    expect([circuit.state(), circuit.admits()]).toEqual(['closed', true])
  })
})

describe('the client of a request', () => {
  const from = (remoteAddress: string, forwarded?: string) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as never

  test('is who connects, whatever a header says', () => {
    const clientOf = createClientOf()

    expect(clientOf(from('192.0.2.1', '198.51.100.9'))).toBe('192.0.2.1')
    expect(clientOf(from('::ffff:192.0.2.1'))).toBe('192.0.2.1')
    expect(clientOf(from('2001:db8::5'))).toBe(clientOf(from('2001:db8:0:0:aaaa::1')))
    expect(clientOf(from('2001:db8:0:1::5'))).not.toBe(clientOf(from('2001:db8::5')))
  })

  test('is whom a trusted proxy names last', () => {
    const clientOf = createClientOf('10.0.0.1, 10.0.0.2')

    expect(clientOf(from('10.0.0.2', '203.0.113.7, 198.51.100.9'))).toBe('198.51.100.9')
    expect(clientOf(from('10.0.0.2'))).toBe('10.0.0.2')
    expect(clientOf(from('10.0.0.2', 'nonsense'))).toBe('10.0.0.2')
    expect(clientOf(from('10.0.0.3', '198.51.100.9'))).toBe('10.0.0.3')
  })
})
