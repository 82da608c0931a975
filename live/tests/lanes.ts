import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { waitFor } from '@lab/kit/wait.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import { type Page, useBrowser } from '@lab/stack/testing/browser.ts'
import { connect } from 'amqplib'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Story } from '../wire/flow.ts'
import type { KafkaView, RabbitView } from '../wire/views.ts'
import { type Up, up } from './up.ts'

/** Kept with the run, as a person may want to see them. */
const PICTURES = resolve(import.meta.dirname, '../../results/live-page')
const TRIOS = ['sync-rest', 'async-rabbitmq', 'streaming-kafka'] as const
export const SLOWLY = { timeout: 60_000 }
export const PATIENTLY = { timeoutMs: 60_000 }

/** The three trios and the page over them, for all tests of the `describe` that calls this; and what asks the brokers themselves. */
export function useLanes() {
  const browser = useBrowser()
  const rabbit = sharedServer('rabbitmq')
  const kafka = sharedServer('kafka')
  let lab: Up

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true })
    lab = await up(TRIOS, {
      LAB_BROKERS: 'external',
      RABBITMQ_URL: rabbit.url,
      RABBITMQ_MANAGEMENT_URL: rabbit.managementUrl,
      KAFKA_BROKERS: kafka.brokers.join(','),
    })
  })
  afterAll(() => lab?.close())

  async function open(tab: string, options = {}) {
    const opened = await browser.newPage({ viewport: { width: 1280, height: 1000 }, ...options })
    await opened.page.goto(`${lab.url}/#${tab}`)
    await opened.page.getByText('Live', { exact: true }).waitFor()
    return opened
  }
  const ask = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${lab.url}${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }
  const place = (lane: string, count: number, more = {}) =>
    ask('/admin/flow/orders', { lanes: [lane], count, rate: 100, ...more })

  /** What RabbitMQ itself says of a queue of the part, over a connection of this test. */
  async function withQueue<Answer>(
    work: (
      channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>,
    ) => Promise<Answer>,
  ) {
    const { vhost } = await ask<RabbitView>('/api/views/rabbitmq?part=async-rabbitmq')
    const url = Object.assign(new URL(rabbit.url), { pathname: `/${encodeURIComponent(vhost)}` })
    const connection = await connect(url.href)
    try {
      return await work(await connection.createChannel())
    } finally {
      await connection.close()
    }
  }
  const depthOf = (queue: string) =>
    withQueue(async (channel) => (await channel.checkQueue(queue)).messageCount)

  /** What Kafka itself says of a group's lag, as its own tools count. */
  async function lagOf(group: string, topics: string[]) {
    const { prefix } = await ask<KafkaView>('/api/views/kafka?part=streaming-kafka')
    return withAdmin(kafka.brokers, async (admin) => {
      const names = topics.map((topic) => prefix + topic)
      const committed = await admin.fetchOffsets({ groupId: prefix + group, topics: names })
      const ends = await Promise.all(names.map((topic) => admin.fetchTopicOffsets(topic)))
      return committed.reduce((sum, { partitions }, at) => {
        const end = new Map(ends[at]!.map(({ partition, high }) => [partition, Number(high)]))
        return partitions.reduce(
          (all, { partition, offset }) => all + end.get(partition)! - Math.max(0, Number(offset)),
          sum,
        )
      }, 0)
    })
  }

  const latest = (page: Page, heading: string) =>
    page.getByRole('region', { name: `${heading}: latest orders` }).getByRole('listitem')
  const number = (page: Page, selector: string) =>
    page
      .locator(selector)
      .textContent()
      .then((text) => Number(text?.replaceAll(',', '')))

  /** Until the page's server hears what every broker tells. */
  const listened = () =>
    waitFor(
      'somebody who listens to the brokers',
      async () => (await sourcesOf(ask)).every((state) => state === 'ok'),
      PATIENTLY,
    )

  /** Orders for an inventory that is dead: as many wait in its queue, say the broker and the page, and nobody calls them lost. */
  async function orderOfTheDead(page: Page, count: number) {
    await lab.run('kill', 'async-rabbitmq/inventory-service')
    await place('async-rabbitmq', count)
    await waitFor('the broker’s depth', async () => (await depthOf('inventory_queue')) === count)
    const depth = () => number(page, '[data-depth=inventory_queue]')
    await waitFor('the same depth on the page', async () => (await depth()) === count)
    expect(await depth()).toBe(await depthOf('inventory_queue'))
    const lamp = page.locator('[data-lamp="async-rabbitmq/orders"]')
    await lamp.and(page.locator('[data-state=holds], [data-state=moving]')).waitFor()
    return { depth, lamp }
  }

  return {
    open,
    ask,
    listened,
    orderOfTheDead,
    place,
    withQueue,
    lagOf,
    latest,
    number,
    kafka,
    run: (...args: string[]) => lab.run(...args),
  }
}

type Ask = <Answer>(path: string, body?: unknown) => Promise<Answer>
interface Seen {
  latest: {
    lanes: {
      lane: string
      orders: { byStatus: Record<string, number>; waiting: number } | null
      sources: Record<string, string>
    }[]
  } | null
}

const seenOf = async (ask: Ask, lane: string) =>
  (await ask<Seen>('/api/figures')).latest?.lanes.find((one) => one.lane === lane)
const sourcesOf = async (ask: Ask) =>
  (await ask<Seen>('/api/figures')).latest?.lanes.flatMap(({ sources }) => Object.values(sources)) ?? [
    'not known',
  ]
export const undecidedIn = async (ask: Ask, lane: string) => (await seenOf(ask, lane))?.orders?.waiting
export const decidedBy = async (ask: Ask) => {
  const { reserved = 0, failed = 0 } = (await seenOf(ask, 'async-rabbitmq'))?.orders?.byStatus ?? {}
  return reserved + failed
}

export async function recentIn(ask: Ask, lane: string): Promise<string[] | undefined> {
  const batches = await ask<[number, number, string, { lane: string; moves: [string][] }][][]>(
    '/api/flow/recording?seconds=600',
  )
  const orders = batches
    .flat()
    .flatMap(([, , kind, data]) =>
      kind === 'flow' && data.lane === lane ? data.moves.map(([order]) => order) : [],
    )
  const known = await Promise.all(orders.slice(0, 20).map((order) => ask<Story>(`/api/flow/orders/${order}`)))
  const found = known.filter(({ now }) => now !== null).map(({ order }) => order)
  return found.length > 0 ? found : undefined
}

export const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, timeout: 60_000 })
