import { describe, expect, test } from 'vitest'
import { reserveOutcome } from './reserve-outcome.ts'
import type { Reply } from './upstream.ts'

const answered = (status: number, body: unknown = {}): Reply => ({
  kind: 'answered',
  status,
  text: JSON.stringify(body),
})

describe('the outcome of POST /reserve', () => {
  const unavailable = { status: 'failed', reason: 'inventory_unavailable' }
  const error = { status: 'failed', reason: 'inventory_error' }
  const refused = { status: 'failed', reason: 'out_of_stock' }
  const cause = new Error('ECONNRESET')

  test.each([
    ['a reservation', answered(200, { status: 'reserved' }), { status: 'reserved' }],
    ['a refusal', answered(409, refused), refused],
    ['a refusal after a release', answered(409, { ...refused, reason: 'timeout' }), { reason: 'timeout' }],
    ['a bad request', answered(400), error],
    ['no connection', { kind: 'unreachable', cause } as const, unavailable],
  ])('is certain after %s', (_, reply, outcome) => {
    expect(reserveOutcome(reply)).toMatchObject({ ...outcome, isUnknown: false })
  })

  test.each([
    ['a time-out', { kind: 'timeout' } as const, { status: 'timeout' }],
    ['a broken connection', { kind: 'broken', cause } as const, unavailable],
    ['an internal error, which may come after the effect', answered(500), error],
    ['a 200 that is no reservation', answered(200, { status: 'maybe' }), error],
    ['a redirect', answered(302), error],
  ])('is unknown after %s', (_, reply, outcome) => {
    expect(reserveOutcome(reply)).toMatchObject({ ...outcome, isUnknown: true })
  })

  test('is an error when the answer is not JSON', () => {
    expect(reserveOutcome({ kind: 'answered', status: 200, text: '<html>' })).toMatchObject(error)
  })
})
