import { EventEmitter } from 'node:events'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Connection } from '../redis/connect.ts'
import { createOrders } from '../redis/orders.ts'
import { PAGE, type Script, SINCE } from '../redis/scripts.ts'
import { createPlatformMetrics } from './metrics.ts'
import { createSockets } from './sockets.ts'

/** A stream and one page of orders, which comes when it is let; and sockets that remember what they were sent. */
function setup() {
  const events: string[] = []
  const page = Promise.withResolvers<[string, string, string][]>()
  let news = () => {}
  const run = async ({ sha }: Script, after = 0) => {
    if (sha === PAGE.sha) return page.promise
    if (sha !== SINCE.sha) throw new Error('nobody asks this here')
    const found = events.map((json, at) => [at + 1, json]).filter(([seq]) => Number(seq) > Number(after))
    return ['epoch', events.length, 1, found]
  }
  const connection: Connection = {
    state: () => 'ok',
    run: (script, ...args) => run(script, Number(args[0])),
    get: async () => null,
    subscribe: (_, onMessage, onConnected) => {
      news = onMessage
      onConnected()
    },
    close: async () => {},
  }
  const statistics = () => Promise.reject(new Error('nobody counts here'))
  const sockets = createSockets({
    connection,
    orders: createOrders({ connection, eventsKept: 100, dayOf: () => '' }),
    limits: { most: 10, bufferBytes: 1_000, pingMs: 60_000 },
    log: createLog('test', 'silent'),
    metrics: createPlatformMetrics(createMetrics('test'), statistics),
  })
  onTestFinished(() => sockets.close())
  const open = (seq?: number) => {
    const sent: { event_type: string; seq: number }[] = []
    const socket = Object.assign(new EventEmitter(), {
      sent,
      bufferedAmount: 0,
      close: vi.fn(),
      terminate: vi.fn(),
      ping: vi.fn(),
      send: (text: string, done?: () => void) => {
        sent.push(JSON.parse(text))
        done?.()
      },
    })
    sockets.add(socket as never, seq === undefined ? undefined : { seq, epoch: 'epoch' }, true)
    return socket
  }
  const publish = () => {
    events.push(JSON.stringify({ event_type: 'order.created', seq: events.length + 1 }))
    news()
  }
  return { open, publish, page, sockets }
}
const namesOf = ({ sent }: { sent: { event_type: string; seq: number }[] }) =>
  sent.map(({ event_type, seq }) => `${event_type} ${seq}`)

test('what happens while a client is given a snapshot reaches it afterwards, all of it and in order', async () => {
  const { open, publish, page, sockets } = setup()
  await vi.waitFor(() => expect(sockets.feed.at()?.seq).toBe(0))
  const plain = open()
  const client = open(7) // more than there is: it has seen another data set
  for (let at = 0; at < 3; at++) publish()
  await vi.waitFor(() =>
    expect(namesOf(plain)).toEqual(['order.created 1', 'order.created 2', 'order.created 3']),
  )
  expect(client.sent).toEqual([])

  page.resolve([['1', '{"id":"a"}', '2']])
  await vi.waitFor(() => expect(client.sent).toHaveLength(4))
  expect(namesOf(client)).toEqual(['stream.snapshot 0', ...namesOf(plain)])
  publish()
  await vi.waitFor(() => expect(namesOf(client).at(-1)).toBe('order.created 4'))
})

test('what a client has missed comes before what is live', async () => {
  const { open, publish, sockets } = setup()
  for (let at = 0; at < 3; at++) publish()
  await vi.waitFor(() => expect(sockets.feed.at()?.seq).toBe(3))
  const client = open(1)
  publish()
  await vi.waitFor(() => expect(client.sent).toHaveLength(4))
  expect(namesOf(client)).toEqual([
    'stream.resumed 3',
    'order.created 2',
    'order.created 3',
    'order.created 4',
  ])
})

test('a client that takes nothing is cut, and the others hear everything', async () => {
  const { open, publish, sockets } = setup()
  await vi.waitFor(() => expect(sockets.feed.at()?.seq).toBe(0))
  const [slow, quick] = [open(), open()]
  slow.bufferedAmount = 1_001
  publish()
  await vi.waitFor(() => expect(namesOf(quick)).toEqual(['order.created 1']))
  expect(slow.close).toHaveBeenCalledWith(1013, 'too slow')
  expect(sockets.open()).toBe(1)
})
