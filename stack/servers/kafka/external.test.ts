import { describe, expect, test } from 'vitest'
import { readKafkaBrokers } from './external.ts'

describe('address of an external Kafka', () => {
  test('splits KAFKA_BROKERS and refuses an entry without a port', () => {
    expect(readKafkaBrokers({ KAFKA_BROKERS: 'a:9092, b:9093' })).toEqual(['a:9092', 'b:9093'])
    expect(() => readKafkaBrokers({ KAFKA_BROKERS: 'a:9092,b' })).toThrow('"b": that is not host:port')
  })

  test.each(['[::1]:9092', 'a:9092,[fe80::1%eth0]:9092'])(
    'refuses the IPv6 address in %s at once',
    (value) => {
      expect(() => readKafkaBrokers({ KAFKA_BROKERS: value })).toThrow('takes no IPv6 address')
    },
  )
})
