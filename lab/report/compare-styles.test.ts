import { describe, expect, test } from 'vitest'
import type { Results } from '../run/schema.ts'
import { experimentRecord } from '../testing/report-builders.ts'
import { compareStyles } from './compare-styles.ts'

const failure = experimentRecord({
  says: [{ question: 'failure, and return', style: 'sync-rest', words: 'orders are refused' }],
})
const backlog = experimentRecord({
  says: [
    { question: 'failure, and return', style: 'async-rabbitmq', words: 'nothing is lost' },
    { question: 'an order', style: 'async-rabbitmq', words: 'done later' },
  ],
})
const resultsOf = (...experiments: Results['experiments']) => ({ experiments }) as Results

describe('compareStyles', () => {
  test('puts what the experiments say beside each other, question by question', () => {
    const table = compareStyles(resultsOf(failure, backlog))

    expect(table?.columns).toEqual(['', 'blocking HTTP', 'RabbitMQ topic exchange', 'Kafka topics'])
    expect(table?.rows).toEqual([
      ['an order', '–', 'done later', '–'],
      ['failure, and return', 'orders are refused', 'nothing is lost', '–'],
    ])
  })

  test('lets no experiment speak that did not hold', () => {
    const lag = experimentRecord({
      says: [{ question: 'an order', style: 'streaming-kafka', words: 'lags' }],
    })

    const text = JSON.stringify(compareStyles(resultsOf({ ...failure, verdict: 'broken' }, backlog, lag)))

    expect(text).not.toContain('refused')
    expect(text).toContain('lags')
  })

  test('is absent when only one style was run', () => {
    expect(compareStyles(resultsOf(failure))).toBeUndefined()
  })
})
