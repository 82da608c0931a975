import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { newOrderId } from '@lab/common/ids.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HistoryRecord, openHistoryFile } from '../ledger/history.ts'
import { Histogram } from './histogram.ts'
import { startLoadProcess } from './process.ts'
import type { Snapshot } from './result.ts'
import { startTestService } from './testing/service.ts'
import { startOpenLoop } from './testing/start-open-loop.ts'

async function service() {
  const opened = await startTestService()
  onTestFinished(opened.close)
  return opened
}

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'open-loop-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function recordsOf(historyFile: string) {
  const records: HistoryRecord[] = []
  for await (const record of openHistoryFile(historyFile).records) records.push(record)
  return records
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // no such process
  }
}

const isGone = (pid: number) => waitFor(`process ${pid} to end`, () => !isAlive(pid), { timeoutMs: 8_000 })

describe('open-loop load in its own process', () => {
  test('hands over snapshots, figures and a history, and is gone afterwards', async () => {
    const { url } = await service()
    const historyFile = join(await temporaryFolder(), 'history.jsonl')
    const seen: Snapshot[] = []

    const { pid, result } = startOpenLoop(
      {
        url,
        rate: { perSecond: 100, seconds: 1, arrivals: 'poisson' },
        completion: 'response',
        historyFile,
        intervalMs: 100,
      },
      { onSnapshot: (snapshot) => seen.push(snapshot) },
    )
    const { counts, response } = await result
    await isGone(pid)

    expect(pid).not.toBe(process.pid)
    expect(counts.ok).toBe(counts.sent)
    expect(Histogram.from(response.ok).count).toBe(counts.ok)
    expect(seen.at(-1)?.counts.sent).toBeGreaterThan(0)
    expect(await recordsOf(historyFile)).toHaveLength(counts.ok)
  })

  test('ends on request, with what there was, marked incomplete', async () => {
    const { url } = await service()
    const abort = new AbortController()

    const { pid, result } = startOpenLoop(
      { url, rate: { perSecond: 100, seconds: 60 }, completion: 'response', intervalMs: 50 },
      { signal: abort.signal, onSnapshot: ({ counts }) => counts.ok > 10 && abort.abort() },
    )
    const { is_complete, counts } = await result
    await isGone(pid)

    expect(is_complete).toBe(false)
    expect(counts.ok).toBeGreaterThan(10)
  })

  test('dies when its parent dies, and leaves the history of every order it sent', async () => {
    const { url, posts } = await service()
    const historyFile = join(await temporaryFolder(), 'history.jsonl')
    const parent = fork(fileURLToPath(new URL('./testing/parent.ts', import.meta.url)), [url, historyFile], {
      execArgv: [],
    })
    const [pid] = (await once(parent, 'message')) as [number]
    await waitFor('the generator to send orders', () => posts() > 5)

    parent.kill('SIGKILL')

    await isGone(pid)
    expect((await recordsOf(historyFile)).length).toBeGreaterThanOrEqual(posts())
  })

  test.each([
    [{ rate: { perSecond: 0, seconds: 1 } }, 'rate.perSecond: 0 is not above 0'],
    [{ historyFile: '/nowhere/history.jsonl' }, 'ENOENT'],
  ])('rejects with the reason when it cannot start: %j', async (wrong, reason) => {
    const { url } = await service()

    const { pid, result } = startOpenLoop({
      url,
      rate: { perSecond: 10, seconds: 1 },
      completion: 'response',
      ...wrong,
    })

    await expect(result).rejects.toThrow(reason)
    await isGone(pid)
  })

  test('rejects when its process is killed, and says how', async () => {
    const { url, posts } = await service()
    const { pid, result } = startOpenLoop({
      url,
      rate: { perSecond: 100, seconds: 60 },
      completion: 'response',
    })
    const refused = expect(result).rejects.toThrow('SIGKILL')
    await waitFor('the generator to send orders', () => posts() > 0)

    process.kill(pid, 'SIGKILL')

    await refused
  })
})

describe('closed-loop load in its own process', () => {
  test('sends every order once and tells the statuses, the ids and the unknown apart', async () => {
    const received: string[] = []
    let atOnce = 0
    let most = 0
    const url = await serve(async (request, response) => {
      most = Math.max(most, ++atOnce)
      received.push(`${request.url} ${await text(request)}`)
      atOnce--
      const status = received.length % 10 === 0 ? 503 : 201
      if (received.length === 15) request.socket.destroy()
      else answer(response, status, status === 201 ? { order_id: newOrderId() } : { title: 'away' })
    })
    const { load } = start()

    const report = await load.run({ kind: 'place', url, count: 40, connections: 4 })

    expect(received).toHaveLength(40)
    expect(received[0]).toBe('/order {"item":"burger","quantity":1}')
    expect(report).toMatchObject({ statuses: { 201: 35, 503: 4 }, accepted: 35, unknown: 1 })
    expect(new Set(report.records.flatMap(({ order_id }) => order_id ?? [])).size).toBe(35)
    expect(countBy(report.records, ({ outcome }) => outcome)).toEqual({ ok: 35, failed: 4, unknown: 1 })
    expect(most).toBeLessThanOrEqual(4)
    expect(report.elapsedMs).toBeGreaterThan(0)
  })

  test('sends a bulk in requests of the given size, the rest in a smaller one', async () => {
    const counts: number[] = []
    const url = await serve(async (request, response) => {
      const { count } = JSON.parse(await text(request)) as { count: number }
      counts.push(count)
      answer(response, 202, { accepted: count, unknown: 0 })
    })
    const { load } = start()

    const report = await load.run({ kind: 'bulk', url, count: 25, chunk: 10 })

    expect(counts).toEqual([10, 10, 5])
    expect(report).toMatchObject({ statuses: { 202: 25 }, accepted: 25, unknown: 0 })
    expect(countBy(report.records, ({ item }) => item)).toEqual({ burger: 10, pizza: 8, salad: 7 })
  })

  test('answers what there was on abort, and is gone when it is closed', async () => {
    const url = await serve((_, response) => void setTimeout(() => answer(response, 201, {}), 50))
    const { load, controller } = start()

    const round = load.run({ kind: 'place', url, count: 20, connections: 1 })
    controller.abort(new Error('enough'))

    expect((await round).accepted).toBeLessThan(20)
    await load.close()
    await isGone(load.pid)
  })

  test('rejects when the process is ended in the middle of a round', async () => {
    const { load } = start()
    const url = await serve(() => process.kill(load.pid, 'SIGKILL'))

    const round = load.run({ kind: 'place', url, count: 1, connections: 1 })

    await expect(round).rejects.toThrow('the load generator ended (SIGKILL)')
  })
})

function start() {
  const controller = new AbortController()
  const load = startLoadProcess(controller.signal)
  onTestFinished(load.close)
  return { load, controller }
}

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function countBy<One>(all: One[], nameOf: (one: One) => string): Record<string, number> {
  const groups = Object.groupBy(all, nameOf)
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, group?.length ?? 0]))
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
