import { OrderPlaced } from '@lab/common/domain/events.ts'
import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { LabError } from '@lab/kit/errors.ts'
import { Faults } from '@lab/kit/faults.ts'
import { ack, type Outcome } from '@lab/kit/outcome.ts'
import type { ConsumeMessage } from 'amqplib'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'

const messageOf = (event: OrderPlaced) =>
  ({ content: Buffer.from(JSON.stringify(event)), properties: { messageId: event.id } }) as ConsumeMessage
const poison = { content: Buffer.from('poison'), properties: { messageId: 'p' } } as ConsumeMessage

function setup(handle: (events: OrderPlaced[]) => Outcome[] = (events) => events.map(ack)) {
  const batches: OrderPlaced[][] = []
  const faults = new Faults()
  const run = (batch: ConsumeMessage[]) =>
    decide(batch, {
      schema: OrderPlaced,
      handle: (events) => {
        batches.push(events)
        return handle(events)
      },
      faults,
      log: pino({ level: 'silent' }),
    })
  return { run, batches, faults }
}

describe('deciding a batch', () => {
  test('dead-letters the poison in it and handles the others together', async () => {
    const { run, batches } = setup()
    const [first, second] = [anOrderPlaced(), anOrderPlaced()]
    const outcomes = await run([messageOf(first), poison, messageOf(second)])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['ack', 'dead-letter', 'ack'])
    expect(batches).toEqual([[first, second]])
  })

  test('never calls the handler for poison alone', async () => {
    const { run, batches } = setup()
    await run([poison])
    expect(batches).toEqual([])
  })

  test('hands a batch that threw over one by one, and retries only the event that fails', async () => {
    const bad = anOrderPlaced()
    const { run } = setup((events) => {
      if (events.includes(bad) || events.some(({ id }) => id === bad.id)) throw new TypeError('unexpected')
      return events.map(ack)
    })
    const outcomes = await run([messageOf(anOrderPlaced()), messageOf(bad), messageOf(anOrderPlaced())])

    expect(outcomes).toEqual([ack(), { kind: 'retry', reason: 'unexpected' }, ack()])
  })

  test('dead-letters what says itself that it can never succeed', async () => {
    const { run } = setup(() => {
      throw new LabError('LAB_NOT_FOUND', 'gone for good')
    })
    expect(await run([messageOf(anOrderPlaced())])).toEqual([
      { kind: 'dead-letter', reason: 'LAB_NOT_FOUND: gone for good' },
    ])
  })

  test('retries an event the handler gave no outcome for', async () => {
    const { run } = setup(() => [])
    expect((await run([messageOf(anOrderPlaced())]))[0]?.kind).toBe('retry')
  })
})

describe('an injected failure', () => {
  test('retries the events, dead-letters the poison, and calls no handler', async () => {
    const { run, batches, faults } = setup()
    faults.setFail(true)
    const outcomes = await run([messageOf(anOrderPlaced()), poison])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['retry', 'dead-letter'])
    expect(batches).toEqual([])
  })
})
