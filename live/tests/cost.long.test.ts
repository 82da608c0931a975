import { request } from 'node:http'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FiguresHistory } from '../wire/figures.ts'
import { type Up, up } from './up.ts'

const ORDERS = 100_000
const LIMIT_MB = 150
const ROUNDS = 3
/** The server, its browser's stream, the brokers and the load share the processors. */
const LEAST_SHARE = 0.6
const ORDERS_A_ROUND = 4_000
const AT_ONCE = 64

/** A window that takes the stream as a browser does: while it is open the server listens to the brokers. */
function watch(url: string): { close: () => void } {
  const reading = request(`${url}/api/stream`, (response) => response.resume())
  reading.on('error', () => {
    // The server was stopped: there is nothing to watch.
  })
  reading.end()
  return { close: () => reading.destroy() }
}

/** Orders a second that a service accepts from `AT_ONCE` clients. */
async function acceptedPerSecond(url: string): Promise<number> {
  const begun = performance.now()
  let left = ORDERS_A_ROUND
  const client = async () => {
    while (left-- > 0) {
      const answer = await fetch(`${url}/order`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"item":"burger","quantity":1}',
      })
      await answer.text()
      if (answer.status >= 500) throw new Error(`${url} answered ${answer.status}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  return (ORDERS_A_ROUND / (performance.now() - begun)) * 1_000
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!

describe('what the live page costs', () => {
  let lab: Up
  let intake: Record<string, string>

  beforeAll(async () => {
    lab = await up(['sync-rest', 'async-rabbitmq', 'streaming-kafka'], { LAB_BROKERS: 'local' })
    const { parts } = (await (await fetch(`${lab.url}/api/parts`)).json()) as {
      parts: { name: string; services: Record<string, string> }[]
    }
    intake = Object.fromEntries(
      parts.map(({ name, services }) => [name, services['order-service'] ?? services['producer-order']!]),
    )
  }, 300_000)
  afterAll(() => lab?.close(), 60_000)

  const figures = async () => (await fetch(`${lab.url}/api/figures`)).json() as Promise<FiguresHistory>

  test(`its server stays within ${LIMIT_MB} MB over ${ORDERS} orders`, { timeout: 1_800_000 }, async () => {
    const window = watch(lab.url)
    const largest = { mb: 0 }
    const timer = setInterval(async () => {
      const { latest } = await figures()
      largest.mb = Math.max(largest.mb, latest?.serverMb ?? 0)
    }, 1_000)
    try {
      for (const url of Object.values(intake))
        for (let at = 0; at * ORDERS_A_ROUND < ORDERS / 3; at++) await acceptedPerSecond(url)
      const counted = async () => {
        const { latest } = await figures()
        const all = latest?.lanes.map(({ orders }) => orders?.acknowledged ?? 0) ?? []
        return all.reduce((sum, one) => sum + one, 0) >= ORDERS
      }
      await waitFor('all orders to be counted', counted, { timeoutMs: 300_000, everyMs: 1_000 })
    } finally {
      clearInterval(timer)
      window.close()
    }

    console.log(`the live page's server: at most ${largest.mb} MB over ${ORDERS} orders`)
    expect(largest.mb).toBeGreaterThan(0)
    expect(largest.mb).toBeLessThanOrEqual(LIMIT_MB)
  })

  test(`with a window open a part accepts at least ${LEAST_SHARE} of what it accepts without the page`, {
    timeout: 1_800_000,
  }, async () => {
    const rounds = () => Object.fromEntries(Object.keys(intake).map((part) => [part, [] as number[]]))
    const [without, within] = [rounds(), rounds()]
    for (let round = 0; round < ROUNDS; round++) {
      await lab.run('kill', 'live/server')
      for (const [part, url] of Object.entries(intake)) without[part]!.push(await acceptedPerSecond(url))
      await lab.run('start', 'live/server')
      const window = watch(lab.url)
      await waitFor(
        'the brokers to be listened to',
        async () => {
          const { latest } = await figures()
          return latest?.lanes.every(({ sources }) => Object.values(sources).every((state) => state === 'ok'))
        },
        { timeoutMs: 60_000 },
      )
      // A server that has just started reads every order there is, and compiles its code.
      for (const url of Object.values(intake)) await acceptedPerSecond(url)
      for (const [part, url] of Object.entries(intake)) within[part]!.push(await acceptedPerSecond(url))
      window.close()
    }

    for (const part of Object.keys(intake)) {
      const shown = (all: number[]) => all.map(Math.round).join(', ')
      console.log(
        `${part}: ${shown(without[part]!)} orders/s without the page, ${shown(within[part]!)} with it`,
      )
      expect(median(within[part]!) / median(without[part]!)).toBeGreaterThan(LEAST_SHARE)
    }
  })
})
