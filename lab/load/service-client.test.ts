import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openServiceClient } from './service-client.ts'

test('names the request, and how long it waited, when the deadline passes without an answer', async () => {
  const url = await silentService()
  const client = open(url)

  await expect(client.post('/orders/bulk', { count: 1 }, { timeoutMs: 50 })).rejects.toThrow(
    `POST ${url}/orders/bulk was not answered within 0.05 s`,
  )
})

test('rejects with the reason of an abort, not with a deadline, when it is aborted', async () => {
  const abort = new AbortController()
  const asked = open(await silentService(), abort.signal).get('/orders')

  abort.abort(new Error('Ctrl-C'))

  await expect(asked).rejects.toThrow('Ctrl-C')
})

function open(url: string, signal?: AbortSignal) {
  const client = openServiceClient(url, signal ? { signal } : {})
  onTestFinished(client.close)
  return client
}

async function silentService(): Promise<string> {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
