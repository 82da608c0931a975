import { describe, expect, test } from 'vitest'
import { firstUnread, lagOf, totalOf } from './lag.ts'

const bounds = { topic: 'order-events', partition: 0, start: 10, end: 50 }

describe('the lag of a group on a partition', () => {
  test('is what lies between its commit and the end', () => {
    expect(lagOf(bounds, 45)).toMatchObject({ messages: 5, committed: 45, end: 50 })
    expect(firstUnread(lagOf(bounds, 45))).toBe(45)
  })

  test('is everything for a group that never committed, dead or alive: it is not 0', () => {
    expect(lagOf(bounds, undefined)).toMatchObject({ messages: 40, committed: null })
  })

  test('is not known while no broker says where the log ends: it is not 0 either', () => {
    expect(lagOf({ ...bounds, end: undefined }, 45)).toMatchObject({ messages: null, seconds: null })
    expect(lagOf({ ...bounds, start: undefined }, 45).messages).toBeNull()
  })

  test('counts from the start of the log where the commit is before it, and says so', () => {
    const lag = lagOf(bounds, 3)

    expect(lag.messages).toBe(40)
    expect(lag.note).toContain('before 10 are gone')
  })

  test('counts from the start where the commit is behind the end', () => {
    expect(lagOf(bounds, 60)).toMatchObject({ messages: 40, note: expect.stringContaining('behind the end') })
  })

  test('has no seconds until its oldest record was looked at; nothing unread is no seconds old', () => {
    expect(lagOf(bounds, 45).seconds).toBeNull()
    expect(lagOf(bounds, 50)).toMatchObject({ messages: 0, seconds: 0 })
  })
})

describe('the lag of a group', () => {
  test('over partitions of which one is not known says how many are', () => {
    const lags = [lagOf(bounds, 45), lagOf({ ...bounds, partition: 1, end: undefined }, 45)]

    expect(totalOf(lags)).toEqual({ messages: 5, seconds: null, known: 1, of: 2 })
  })

  test('is not known when no partition is', () => {
    expect(totalOf([lagOf({ ...bounds, end: undefined }, 45)])).toMatchObject({ messages: null, known: 0 })
  })

  test('is as old as the oldest record of all partitions', () => {
    const lags = [
      { ...lagOf(bounds, 45), seconds: 2 },
      { ...lagOf(bounds, 50), seconds: 0 },
    ]

    expect(totalOf(lags)).toMatchObject({ messages: 5, seconds: 2 })
  })
})
