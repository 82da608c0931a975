import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { newOrderId } from '@lab/common/ids.ts'
import { openTestRun, processesOf } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startLoadProcess } from './load-process.ts'

describe('the load process', () => {
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
    const { load } = await start()

    const report = await load.run({ kind: 'place', url, count: 40, connections: 4 }, () => {})

    expect(received).toHaveLength(40)
    expect(received[0]).toBe('/order {"item":"burger","quantity":1}')
    expect(report).toMatchObject({ statuses: { 201: 35, 503: 4 }, accepted: 35, unknown: 1 })
    expect(new Set(report.order_ids).size).toBe(35)
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
    const { load } = await start()

    const report = await load.run({ kind: 'bulk', url, count: 25, chunk: 10 }, () => {})

    expect(counts).toEqual([10, 10, 5])
    expect(report).toMatchObject({ statuses: { 202: 25 }, accepted: 25, unknown: 0, order_ids: [] })
  })

  test('stops waiting on abort, and is gone when it is closed', async () => {
    const url = await serve(() => {}) // never answers
    const { load, run, controller } = await start()
    expect(processesOf(run)).toHaveLength(1)

    const round = load.run({ kind: 'place', url, count: 1, connections: 1 }, () => {})
    controller.abort(new Error('enough'))

    await expect(round).rejects.toThrow('enough')
    await load.close()
    expect(processesOf(run)).toEqual([])
  })

  test('rejects when the process is ended in the middle of a round', async () => {
    const { load, run } = await start()
    const url = await serve(() => process.kill(processesOf(run)[0]!, 'SIGKILL'))

    const round = load.run({ kind: 'place', url, count: 1, connections: 1 }, () => {})

    await expect(round).rejects.toThrow('the load process ended (SIGKILL)')
  })
})

async function start() {
  const run = await openTestRun()
  const controller = new AbortController()
  const load = await startLoadProcess(run, controller.signal)
  onTestFinished(load.close)
  return { load, run, controller }
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

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
