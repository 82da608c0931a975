import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { call } from '@lab/common/testing/pipeline.ts'

export interface Gate {
  url: string
  /** Where the requests go that are let through. */
  target: string
  /** Lets the held requests through and resolves to the status each was answered with. */
  release: () => Promise<number[]>
  /** How many are held. */
  held: () => number
  close: () => void
}

/**
 * A network that delays: it holds each `POST <path>` until it is released and passes the others at once. A held request
 * still arrives when its sender has long given up, as on a real network.
 */
export async function openGate(path: string): Promise<Gate> {
  const holding: (() => Promise<number>)[] = []
  const server = createServer(async (req, res) => {
    if (req.method === 'GET') return void res.end('{}')
    const forward = forwarder(req, await text(req))
    if (req.url === path) return void holding.push(async () => (await forward(gate.target)).status)
    const { status, json } = await forward(gate.target)
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const gate: Gate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    release: () => Promise.all(holding.splice(0).map((send) => send())),
    held: () => holding.length,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  return gate
}

const forwarder =
  ({ method, url }: IncomingMessage, body: string) =>
  (target: string) =>
    call(method ?? 'POST', `${target}${url}`, JSON.parse(body))
