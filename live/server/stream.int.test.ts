import Fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { z } from 'zod'
import { Recorder } from './recorder.ts'
import { streamRoutes } from './stream.ts'

describe('GET /api/stream', () => {
  test('goes on where a reader had stopped, in the middle of what was published together', async () => {
    const { recorder, read } = await setup()
    for (const word of ['a', 'b', 'c']) recorder.publish('word', word)
    recorder.flush()

    const reader = await read(`${recorder.epoch}:1`)

    expect(await reader.take('message')).toMatchObject([
      [2, expect.any(Number), 'word', 'b'],
      [3, expect.any(Number), 'word', 'c'],
    ])
  })

  test.each([
    ['of another epoch', () => 'another:1'],
    ['that is not remembered any more', ({ epoch }: Recorder) => `${epoch}:1`],
  ])('begins from now for a number %s, and says so', async (_which, after) => {
    const { recorder, read } = await setup(500)
    for (let at = 0; at < 50; at++) {
      recorder.publish('word', 'x'.repeat(50))
      recorder.flush()
    }

    const reader = await read(after(recorder))

    expect(await reader.take('hello')).toMatchObject({ epoch: recorder.epoch, seq: 50 })
  })

  test('tells a reader that has all of it where the end is', async () => {
    const { recorder, read } = await setup()
    const reader = await read()
    recorder.publish('word', 'a')

    expect(await reader.take('message')).toMatchObject([[1, expect.any(Number), 'word', 'a']])
    expect(await reader.take('beat')).toMatchObject({ epoch: recorder.epoch, seq: 1 })
  })
})

async function setup(capacityBytes = 1_000_000) {
  const recorder = new Recorder({ capacityBytes })
  const app = Fastify()
  app.setValidatorCompiler(({ schema }) => (data) => ({
    value: (schema as unknown as z.ZodType).parse(data),
  }))
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(streamRoutes(recorder) as never)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  return {
    recorder,
    read: (after?: string) => readerOf(`${url}/api/stream${after ? `?after=${after}` : ''}`),
  }
}

async function readerOf(url: string) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(url, { signal: abort.signal })
  let text = ''
  const chunks = response.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  return {
    /** The next event of this name; those before it are passed over. */
    async take(name: string): Promise<unknown> {
      for (;;) {
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const [, event = 'message', data] = /^(?:event: (\w+)\n)?data: (.*)$/s.exec(text.slice(0, end))!
          text = text.slice(end + 2)
          if (event === name) return JSON.parse(data!)
        }
        const { value, done } = await chunks.next()
        if (done) throw new Error(`the stream ended before ${name}`)
        text += value
      }
    },
  }
}
