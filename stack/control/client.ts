import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Action, ControlReply, type ControlRequest, type Done, type Unit } from './protocol.ts'

/** A service may take a minute to be ready, and is given another to stop. */
const ANSWER_MS = 150_000

/** The other side said no, in words for people. */
export class ControlRefused extends Error {
  /** Whether the name is one of those that run there. */
  readonly known: boolean

  constructor(message: string, known: boolean) {
    super(message)
    this.known = known
  }
}

export interface ControlClient {
  list(): Promise<Unit[]>
  /** Rejects with `ControlRefused` when `up` would not or could not. */
  act(action: Action, name: string): Promise<Done>
}

/** Speaks to the `up` that listens there. Rejects with the system's error where none does. */
export const controlAt = (path: string): ControlClient => ({
  async list() {
    const reply = await call(path, { verb: 'list' })
    if ('units' in reply) return reply.units
    throw new ControlRefused('the control socket answered something else', true)
  },
  async act(verb, name) {
    const reply = await call(path, { verb, name })
    if ('unit' in reply) return reply
    throw new ControlRefused('the control socket answered something else', true)
  },
})

async function call(path: string, request: ControlRequest): Promise<ControlReply> {
  const socket = connect(path)
  socket.setTimeout(ANSWER_MS, () =>
    socket.destroy(new Error(`no answer from ${path} within ${ANSWER_MS / 1_000} s`)),
  )
  socket.write(`${JSON.stringify(request)}\n`)
  const reply = ControlReply.parse(JSON.parse(await text(socket)))
  if ('error' in reply) throw new ControlRefused(reply.error, reply.known)
  return reply
}
