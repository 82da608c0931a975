import { describe, expect, test } from 'vitest'
import { routesOf } from './document.ts'
import type { Answer, Expected, HttpCase } from './exchange.ts'
import { createJudge } from './judge.ts'

const order = { type: 'object', properties: { order_id: { type: 'string' } }, required: ['order_id'] }
const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const refused = { content: { 'application/problem+json': { schema: { type: 'object' } } } }
const [route] = routesOf({
  paths: {
    '/order': {
      post: { responses: { 201: json(order), 400: refused, 422: json(order), 503: json(order) } },
    },
  },
})

const asked = (expected: Expected, more: Partial<HttpCase> = {}): HttpCase => ({
  kind: 'test',
  method: 'POST',
  path: '/order',
  headers: [],
  body: null,
  expected,
  ...more,
})

const answered = (status: number, body: unknown, contentType = 'application/json'): Answer => ({
  status,
  contentType,
  text: JSON.stringify(body),
})

const problem = (status: number, more: object = {}): Answer =>
  answered(
    status,
    {
      type: 'urn:x',
      title: 'T',
      status,
      detail: 'item: is wrong',
      instance: '/order',
      code: 'LAB_X',
      ...more,
    },
    'application/problem+json',
  )

const rulesOf = (request: HttpCase, answer: Answer) =>
  createJudge(route)(request, answer).map(({ rule }) => rule)

describe('an answer', () => {
  test.each<[string, HttpCase, Answer]>([
    ['an order to a good request', asked('accepted'), answered(201, { order_id: 'a' })],
    ['a problem that names the field to a bad request', asked('refused'), problem(400)],
    ['a failed order, where it is documented', asked('accepted'), answered(422, { order_id: 'a' })],
    ['a documented 503', asked('accepted'), answered(503, { order_id: 'a' })],
    [
      'a hung-up connection on half a request',
      asked('refused', { raw: Buffer.from('x') }),
      { error: 'closed' },
    ],
  ])('is right: %s', (_what, request, answer) => {
    expect(rulesOf(request, answer)).toEqual([])
  })

  test.each<[string, HttpCase, Answer]>([
    ['status 500', asked('either'), problem(500)],
    ['status 503', asked('either'), problem(503)],
    ['no answer', asked('accepted'), { error: 'UND_ERR_SOCKET other side closed' }],
    ['a bad request is carried out', asked('refused'), answered(201, { order_id: 'a' })],
    ['a bad request is carried out', asked('refused'), answered(422, { order_id: 'a' })],
    ['a good request is refused', asked('accepted'), problem(400)],
    ['a good request is refused', asked('accepted'), problem(404)],
    ['a 410 that is not declared', asked('refused'), problem(410)],
    ['a 400 is no problem document', asked('refused'), answered(400, { message: 'no' })],
    ['a 400 names no field', asked('refused'), problem(400, { detail: 'wrong' })],
    ['a 400 is an incomplete problem document', asked('refused'), problem(400, { code: undefined })],
    ['a problem document has another status', asked('refused'), problem(400, { status: 404 })],
    ['a 201 is not as documented', asked('accepted'), answered(201, {})],
    [
      'an answer shows the inside',
      asked('refused'),
      problem(400, { detail: 'x\n    at f (/srv/app.ts:1:1)' }),
    ],
  ])('is a finding: %s', (rule, request, answer) => {
    expect(rulesOf(request, answer)).toContain(rule)
  })
})
