import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Order } from '@lab/common/domain/order.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { idOf, play } from '../ledger/testing/world.ts'
import { doubtsAbout } from '../run/verdict.ts'
import { experimentRecord } from '../testing/report-builders.ts'
import type { RunningTrio } from '../trio.ts'
import { openPartClient } from './client.ts'
import { ledgerCheck, ledgerOf } from './ledger.ts'

const totals = {
  intended: 1,
  outcomes: { ok: 1, rejected: 0, failed: 0, unknown: 0 },
  listed: 0,
  reserved: 0,
  failed: 0,
  undecided: 0,
  dead_lettered: 0,
  notified: 0,
  unknown_found: 0,
  repeated_decisions: 0,
}
const ledger = { totals, anomalies: [], backlog: [] }

describe('the ledger of an experiment', () => {
  test.each(['unbalanced', 'did not drain', 'incomplete'] as const)(
    'voids its figures when it is %s',
    (verdict) => {
      const check = ledgerCheck(' (Kafka)', { ...ledger, verdict, reasons: ['lost: 1 time'] })
      const record = experimentRecord({ verdict: 'broken', checks: [check] })

      expect(doubtsAbout(record)).toEqual([expect.stringMatching(/\(Kafka\).*lost: 1 time/)])
    },
  )

  test('voids nothing when it balances', () => {
    const check = ledgerCheck('', { ...ledger, verdict: 'balanced', reasons: [] })

    expect(doubtsAbout(experimentRecord({ checks: [check] }))).toEqual([])
  })
})

/** Part A as its services would answer, all at one address. */
async function partThatAnswers(pages: Record<string, { body: unknown; next?: string }>) {
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    const page = pages[req.url ?? '']
    res.setHeader('content-type', 'application/json')
    if (page?.next) res.setHeader('link', `<${page.next}>; rel="next"`)
    res.writeHead(page ? 200 : 404).end(JSON.stringify(page?.body ?? null))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const service = (role: string) => ({ name: role, role, url })
  const [order, inventory, third] = ['order', 'inventory', 'notification'].map(service)
  return { part: { part: 'sync-rest', order, inventory, third } as unknown as RunningTrio, asked }
}

const { signal } = new AbortController()
const { orders, history, notifications, stock } = play([
  { how: 'ok', item: 'burger', quantity: 1, key: 0, isRepeated: false },
])
const listed = orders.map((order) => ({ ...order, timestamp: 1 }))
const of = (left: object) => ({
  '/health': { body: { unsettled: 0 } },
  '/orders': { body: listed },
  '/stock': { body: left },
  '/notifications': { body: notifications },
})

describe('the ledger of a part', () => {
  test('balances when the services hold what was ordered', async () => {
    const { part } = await partThatAnswers(of(stock.left))

    const { verdict } = await ledgerOf(part, { histories: [history], initial: stock.initial, signal })

    expect(verdict).toBe('balanced')
  })

  test('finds a stock below zero: it is read as it is', async () => {
    const { part } = await partThatAnswers(of({ ...stock.left, burger: -1 }))

    const { anomalies } = await ledgerOf(part, { histories: [history], initial: stock.initial, signal })

    expect(anomalies.map(({ type }) => type)).toContain('negative stock')
  })

  test('cannot be read where a list is none', async () => {
    const { part } = await partThatAnswers({ ...of(stock.left), '/orders': { body: { orders: [] } } })

    await expect(ledgerOf(part, { histories: [], initial: stock.initial, signal })).rejects.toThrow('array')
  })
})

test('a list is followed page after page, and the next one asked for only when it is come to', async () => {
  const page = (n: number) => [{ ...listed[0], order_id: idOf(n) }]
  const { part, asked } = await partThatAnswers({
    '/orders': { body: page(0), next: '/orders?cursor=a' },
    '/orders?cursor=a': { body: page(1), next: '/orders?cursor=b' },
    '/orders?cursor=b': { body: page(2) },
  })
  await using client = openPartClient(part, signal)

  const read: string[] = []
  for await (const { order_id } of client.list('order', '/orders', Order)) {
    read.push(order_id)
    expect(asked).toHaveLength(read.length)
  }

  expect(read).toEqual([0, 1, 2].map(idOf))
})
