import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Answers } from './answers.ts'
import { originalCreateRequest, originalProcessData } from './kafkajs.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/network/connection') as {
  prototype: { processData: typeof originalProcessData }
}
const createRequest: typeof originalCreateRequest = require('kafkajs/src/protocol/request')

const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 })

/** An answer as a broker sends it: its length, the number of its request, and what it says. */
function answer(correlationId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + payload.length)
  head.writeInt32BE(correlationId, 4)
  return Buffer.concat([head, payload])
}

/** Cuts `bytes` at these places, wherever they fall. */
const cut = (bytes: Buffer, places: number[]) => {
  const at = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b)
  return [...at, bytes.length].map((end, i) => bytes.subarray(at[i - 1] ?? 0, end))
}

/** What a connection of kafkajs makes of these pieces. */
function received(processData: typeof originalProcessData, pieces: Buffer[]) {
  const seen: { size: number; correlationId: number; payload: Buffer }[] = []
  const connection = {
    requestQueue: { fulfillRequest: (one: (typeof seen)[number]) => void seen.push(one) },
    authHandlers: null,
    bytesBuffered: 0,
    bytesNeeded: 4,
    chunks: [],
  }
  for (const piece of pieces) processData.call(connection, piece)
  return seen
}

/** Whole answers, out of pieces that are gone after the call. */
function joined(pieces: Buffer[]): Buffer[] {
  const whole: Buffer[] = []
  const answers = new Answers((one) => whole.push(one))
  for (const piece of pieces) {
    const passing = Buffer.from(piece)
    answers.add(passing)
    passing.fill(0xff)
  }
  return whole
}

describe('answers of a broker', () => {
  test('come whole, wherever the network cuts them, as the library reads them', () => {
    fc.assert(
      fc.property(payloads, fc.array(fc.nat(), { maxLength: 12 }), (payloads, places) => {
        const pieces = cut(Buffer.concat(payloads.map((payload, i) => answer(i, payload))), places)
        const expected = received(originalProcessData, pieces)
        expect(expected).toHaveLength(payloads.length)
        expect(received(prototype.processData, joined(pieces))).toEqual(expected)
        // From a socket that is not ours they come in pieces.
        expect(received(prototype.processData, pieces)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test.each([-1, 0, 3, 0x7fffffff, 0x48545450])('of %i bytes are none', (size) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(size)

    expect(() => joined([length])).toThrow(RangeError)
  })
})

test('a request is the same bytes as by the library', async () => {
  const Encoder = require('kafkajs/src/protocol/encoder')
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.nat(),
      async (body, clientId, correlationId) => {
        const encode = async () => new Encoder().writeBuffer(Buffer.from(body))
        const request = { correlationId, clientId, request: { apiKey: 3, apiVersion: 7, encode } }
        expect((await createRequest(request)).buffer).toEqual((await originalCreateRequest(request)).buffer)
      },
    ),
  )
})
