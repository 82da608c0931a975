import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { RunDir } from '../run-dir.ts'
import { type ControlReply, ControlRequest, MAX_LINE_BYTES, SOCKET } from './protocol.ts'
import { ControlError, type Units } from './units.ts'

export interface Control {
  /** Of the socket. */
  path: string
  close(): Promise<void>
}

/**
 * Power over what a run runs, for programs of its user alone: a socket that nobody else can open, in a folder that nobody
 * else can enter. `said` hears of each action that was done.
 */
export async function openControl(
  { path: folder }: Pick<RunDir, 'path'>,
  units: Units,
  said: (text: string) => void,
): Promise<Control> {
  const path = join(folder, SOCKET)
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    void answer(socket, units, said)
  })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(path, listening.resolve)
  await listening.promise
  chmodSync(path, 0o600)
  return {
    path,
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(path, { force: true })
    },
  }
}

async function answer(socket: Socket, units: Units, said: (text: string) => void): Promise<void> {
  let reply: ControlReply
  try {
    reply = await perform(parse(await readLine(socket)), units, said)
  } catch (err) {
    reply = { error: messageOf(err), known: !(err instanceof ControlError) || err.known }
  }
  socket.end(`${JSON.stringify(reply)}\n`)
}

async function perform(
  request: ControlRequest,
  units: Units,
  said: (text: string) => void,
): Promise<ControlReply> {
  if (request.verb === 'list') return { units: units.list() }
  const done = await units.act(request.verb, request.name)
  if (done.changed) said(`${request.verb} ${request.name}: ${done.unit.state} after ${done.ms} ms`)
  return done
}

function parse(line: string): ControlRequest {
  const parsed = ControlRequest.safeParse(JSON.parse(line))
  if (parsed.success) return parsed.data
  throw new Error(`not a request: ${z.prettifyError(parsed.error)}`)
}

async function readLine(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end)
    if (text.length > MAX_LINE_BYTES) break
  }
  throw new Error(`a request is one line of JSON, of at most ${MAX_LINE_BYTES} bytes`)
}
