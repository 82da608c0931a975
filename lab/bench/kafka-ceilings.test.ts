import { describe, expect, test } from 'vitest'
import { parseConsumerTool, parseProducerTool } from './kafka-ceilings.ts'

const WARMUP = 'Warmup first 2500 records. Steady state results will print after the complete test summary.\n'
const INTERVAL =
  '4001 records sent, 800.2 records/sec (0.38 MB/sec), 9.1 ms avg latency, 45.0 ms max latency.\n'
const WHOLE =
  '7500 records sent, 9168.704156 records/sec (4.36 MB/sec), 96.47 ms avg latency, 452.00 ms max latency, 94 ms 50th, 121 ms 95th, 135 ms 99th, 142 ms 99.9th.\n'
const STEADY =
  '5000 steady state records sent, 20833.333333 records/sec (9.91 MB/sec), 92.29 ms avg latency, 116.00 ms max latency, 91 ms 50th, 111 ms 95th, 115 ms 99th, 116 ms 99.9th.\n'

describe('what the producer tool printed', () => {
  test('counts the whole run and takes the rate without its warm-up', () => {
    expect(parseProducerTool(WARMUP + INTERVAL + WHOLE + STEADY)).toEqual({
      records: 7_500,
      perSecond: 20_833.333333,
    })
  })

  test('is read without a warm-up, and between warnings of a logger', () => {
    const output = `SLF4J: no binding found\n${INTERVAL}[2026] WARN 12 records, slow\n${WHOLE}`
    expect(parseProducerTool(output)).toEqual({ records: 7_500, perSecond: 9_168.704156 })
  })

  test('is refused with its last words when there is no summary', () => {
    expect(() => parseProducerTool('TimeoutException: Topic t not present')).toThrow('Topic t not present')
  })
})

const HEADER =
  'start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n'
const FIGURES =
  '2026-11-21 10:05:18:750, 2026-11-21 10:05:20:556, 24.0103, 13.2948, 62000, 34330.0111, 780, 1026, 23.4019, 60428.8499\n'

describe('what the consumer tool printed', () => {
  test('is read by the names of its columns: the rate of fetching, not of joining', () => {
    expect(parseConsumerTool(HEADER + FIGURES)).toEqual({ records: 62_000, perSecond: 60_428.8499 })
  })

  test('is read with other lines around it', () => {
    const output = `WARN something\n${HEADER}WARN a, b\n${FIGURES}\n`
    expect(parseConsumerTool(output).records).toBe(62_000)
  })

  test.each([
    ['nothing', ''],
    ['a header alone', HEADER],
    ['a time-out alone', 'WARNING: Exiting before consuming the expected number of records\n'],
    ['figures without a header', FIGURES],
    ['a time so short that the rate is infinite', HEADER + FIGURES.replace('60428.8499', 'Infinity')],
  ])('is refused when it is %s', (_what, output) => {
    expect(() => parseConsumerTool(output)).toThrow('no figures that can be read')
  })
})
