import type { ServerResponse } from 'node:http'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Position } from '../wire/stream.ts'
import type { Batch, Recorder } from './recorder.ts'

const MAX_READERS = 64
const BEAT_MS = 1_000

const After = z
  .string()
  .regex(/^[\w-]{1,64}:\d{1,15}$/, { error: 'is not <epoch>:<number>, as the stream gave it' })
  .transform((text) => {
    const [epoch, seq] = text.split(':') as [string, string]
    return { epoch, seq: Number(seq) }
  })

/**
 * `GET /api/stream`. A reader is sent what it can take, and no more: where it had stopped, it goes on, out of what the
 * recorder remembers. When that is gone, it is told by a `hello` and goes on from now. No reader makes the server hold more.
 */
export function streamRoutes(recorder: Recorder): RoutePlugin {
  return async (app) => {
    const readers = new Set<Reader>()
    const stopListening = recorder.onMore(() => {
      for (const reader of readers) reader.send()
    })
    const beat = setInterval(() => {
      const text = event('beat', recorder.position())
      for (const reader of readers) reader.beat(text)
    }, BEAT_MS)
    app.addHook('preClose', async () => {
      clearInterval(beat)
      stopListening()
      for (const reader of readers) reader.end()
    })

    const schema = {
      summary: 'All that happens, as it happens: server-sent events',
      tags: ['live'],
      querystring: z.strictObject({
        after: After.optional().describe('Where the reader had stopped; without it, from now'),
      }),
      response: { 200: { content: { 'text/event-stream': { schema: z.string() } } } },
    }
    app.get('/api/stream', { exposeHeadRoute: false, schema }, async ({ query }, reply) => {
      if (readers.size >= MAX_READERS)
        throw new LabError('LAB_OVERLOADED', `${MAX_READERS} windows read this stream already`, {
          retryable: true,
        })
      const reader = new Reader(reply, recorder, query.after)
      recorder.readers = readers.add(reader).size
      reply.raw.on('close', () => {
        readers.delete(reader)
        recorder.readers = readers.size
      })
    })
  }
}

class Reader {
  readonly #recorder: Recorder
  readonly #response: ServerResponse
  #seq: number
  #isFull = false

  constructor(reply: FastifyReply, recorder: Recorder, after: { epoch: string; seq: number } | undefined) {
    this.#recorder = recorder
    this.#response = reply.raw
    const position = recorder.position()
    const goesOn = after?.epoch === position.epoch && recorder.reaches(after.seq)
    this.#seq = goesOn ? after.seq : position.seq
    reply.hijack()
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    this.#response.on('drain', () => {
      this.#isFull = false
      this.send()
    })
    this.#response.on('error', () => this.#response.destroy())
    this.#write(event('hello', { ...position, seq: this.#seq }))
    this.send()
  }

  send(): void {
    if (this.#isFull) return
    if (!this.#recorder.reaches(this.#seq)) {
      const position = this.#recorder.position()
      this.#seq = position.seq
      this.#write(event('hello', position))
      return
    }
    for (const batch of this.#recorder.since(this.#seq)) {
      this.#write(dataOf(batch, this.#seq))
      this.#seq = batch.last
      if (this.#isFull) return
    }
  }

  beat(text: string): void {
    if (!this.#isFull) this.#write(text)
  }

  end(): void {
    this.#response.end()
  }

  #write(text: string | Buffer): void {
    this.#isFull = !this.#response.write(text) || this.#isFull
  }
}

const event = (name: string, data: Position) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** A reader that has stopped in the middle of a batch has its beginning already. */
function dataOf({ first, json }: Batch, after: number): Buffer {
  if (after < first) return Buffer.concat([DATA, json, END])
  const rest = (JSON.parse(json.toString()) as [number][]).filter(([seq]) => seq > after)
  return Buffer.from(`data: ${JSON.stringify(rest)}\n\n`)
}

const DATA = Buffer.from('data: ')
const END = Buffer.from('\n\n')
