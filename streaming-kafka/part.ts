import { curlPost } from '@lab/stack/curl.ts'
import type { PartSpec, ServiceSpec } from '@lab/stack/spec.ts'
import { steps } from './steps.ts'

const env: ServiceSpec['env'] = ({ servers }) => ({
  KAFKA_BROKERS: servers.kafka.brokers.join(','),
  ...(servers.kafka.prefix !== '' && { KAFKA_PREFIX: servers.kafka.prefix }),
})

export const part: PartSpec = {
  name: 'streaming-kafka',
  style: 'Kafka topics',
  isTrio: true,
  basePort: 8200,
  servers: ['kafka'],
  services: [
    {
      name: 'producer-order',
      entry: 'streaming-kafka/producer-order/server.ts',
      port: 8000,
      env,
      compose: { name: 'kafka-producer-order', port: 'KAFKA_ORDER_PORT' },
    },
    {
      name: 'inventory-consumer',
      entry: 'streaming-kafka/inventory-consumer/server.ts',
      port: 8001,
      env,
      compose: { name: 'kafka-inventory-consumer', port: 'KAFKA_INVENTORY_PORT' },
    },
    {
      name: 'analytics-consumer',
      entry: 'streaming-kafka/analytics-consumer/server.ts',
      port: 8002,
      env,
      compose: { name: 'kafka-analytics-consumer', port: 'KAFKA_ANALYTICS_PORT' },
    },
  ],
  shared: { broker: ['kafkajs'], state: [] },
  steps,
  compose: { helpers: { kafka: ['KAFKA_PORT'], 'kafka-ui': ['KAFKA_UI_PORT'] } },
  guide: ({ services: { 'producer-order': orders, 'analytics-consumer': analytics } }) => [
    ['one order', curlPost(`${orders!.url}/order`, { item: 'burger', quantity: 1 })],
    ['many', curlPost(`${orders!.url}/orders/bulk`, { count: 10_000 })],
    ['what analytics has counted', `curl -s ${analytics!.url}/metrics`],
    ['a slow reader: place many again', curlPost(`${analytics!.url}/admin/throttle`, { seconds: 0.01 })],
    ['and see how far it is behind', `curl -s ${analytics!.url}/lag`],
    ['count everything again from the log', `curl -s -X POST ${analytics!.url}/admin/reset-offsets`],
  ],
}
