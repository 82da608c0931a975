import { describe, expect, test } from 'vitest'
import type { ExperimentRecord, Results } from '../run/schema.ts'
import { compareStyles } from './compare-styles.ts'

const failure = record('rest-failure', { outcomes: { 422: 5 } })
const backlog = record('rabbit-backlog', {
  steps: [{ depth: 5 }, { depth: 20 }],
  outage_ms: 60_012,
  drain: { last_reserved_after_ms: 640, orders_per_second_since_restart: 31 },
})

describe('compareStyles', () => {
  test('puts the figures of the run beside each other', () => {
    const table = compareStyles(resultsOf(failure, backlog))

    expect(table?.columns).toEqual(['', 'blocking HTTP', 'RabbitMQ topic exchange', 'Kafka topics'])
    expect(table?.rows).toContainEqual([
      'failure, and return',
      'orders are refused: 5 × 422',
      'nothing is lost: the last is reserved 640 ms after the restart',
      '–',
    ])
    expect(table?.rows.flat().join()).toContain('20 wait in the queue for 60 s')
  })

  test('shows acceptance and completion of each style at the highest rate that was offered to all', () => {
    const generator = [{ rate: 100 }, { rate: 300 }]
    const latency = record('compare-latency', { generator, ...medians(100, 9), ...medians(300, 2) })

    expect(compareStyles(resultsOf(latency))?.rows).toEqual([
      [
        'the same load on all three',
        'accepted and done after 2.00 ms (median, 300/s offered)',
        'accepted after 2.00 ms, done after 6.00 ms (median, 300/s offered)',
        'accepted after 2.00 ms, done after 6.00 ms (median, 300/s offered)',
      ],
    ])
  })

  test('lets no experiment speak that did not hold', () => {
    const broken: ExperimentRecord = { ...failure, verdict: 'broken' }
    const lag = record('kafka-lag', { samples: [{ messages: 7 }], messages_per_second: 100 })

    const text = JSON.stringify(compareStyles(resultsOf(broken, backlog, lag)))

    expect(text).not.toContain('refused')
    expect(text).toContain('lags 7 messages')
  })

  test('points at the table of an experiment whose figures are not the expected ones', () => {
    const changed = record('rest-failure', { outcomes: 'all refused' })

    expect(compareStyles(resultsOf(changed, backlog))?.rows.flat()).toContain('see its table')
  })

  test('is absent when only one style was run', () => {
    expect(compareStyles(resultsOf(failure))).toBeUndefined()
  })
})

/** As compare-latency records them: acceptance after `ms`, completion after three times that. */
function medians(rate: number, ms: number) {
  const of = (part: string, latency: string, us: number) => [
    `${part}_${latency}_at_${rate}`,
    { p50_us: { median: us, min: us, max: us, runs: 3 } },
  ]
  return Object.fromEntries(
    ['sync-rest', 'async-rabbitmq', 'streaming-kafka'].flatMap((part) => [
      of(part, 'acceptance', ms * 1_000),
      of(part, 'completion', 3 * ms * 1_000),
    ]),
  )
}

function record(name: string, data: ExperimentRecord['data']): ExperimentRecord {
  const started_at = '2026-11-21T10:20:31.000Z'
  const head = { name, part: '', question: '', params: {}, started_at, duration_seconds: 1 }
  return { ...head, verdict: 'holds', checks: [], tables: [], data }
}

const resultsOf = (...experiments: ExperimentRecord[]) => ({ experiments }) as Results
