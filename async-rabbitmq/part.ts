import { curlPost } from '@lab/stack/curl.ts'
import type { PartSpec, ServiceSpec } from '@lab/stack/spec.ts'
import { steps } from './steps.ts'

const env: ServiceSpec['env'] = ({ servers }) => ({ RABBITMQ_URL: servers.rabbitmq.url })

export const part: PartSpec = {
  name: 'async-rabbitmq',
  style: 'RabbitMQ topic exchange',
  isTrio: true,
  basePort: 8100,
  servers: ['rabbitmq'],
  services: [
    {
      name: 'order-service',
      entry: 'async-rabbitmq/order-service/server.ts',
      port: 8000,
      env,
      compose: { name: 'rabbit-order-service', port: 'RABBIT_ORDER_PORT' },
    },
    {
      name: 'inventory-service',
      entry: 'async-rabbitmq/inventory-service/server.ts',
      port: 8001,
      env,
      compose: { name: 'rabbit-inventory-service', port: 'RABBIT_INVENTORY_PORT' },
    },
    {
      name: 'notification-service',
      entry: 'async-rabbitmq/notification-service/server.ts',
      port: 8002,
      env,
      compose: { name: 'rabbit-notification-service', port: 'RABBIT_NOTIFICATION_PORT' },
    },
  ],
  shared: { broker: ['amqplib'], outbox: [] },
  steps,
  compose: { helpers: { rabbitmq: ['RABBITMQ_PORT', 'RABBITMQ_MANAGEMENT_PORT'] } },
  guide: ({
    services: { 'order-service': orders, 'inventory-service': inventory, 'notification-service': third },
  }) => [
    ['one order, accepted at once', curlPost(`${orders!.url}/order`, { item: 'burger', quantity: 1 })],
    ['all orders: placed, a moment later reserved', `curl -s ${orders!.url}/orders`],
    ['what is left', `curl -s ${inventory!.url}/stock`],
    ['who was notified', `curl -s ${third!.url}/notifications`],
    [
      'a slow inventory: orders are accepted as before, and wait in inventory_queue',
      curlPost(`${inventory!.url}/admin/delay`, { seconds: 2 }),
    ],
  ],
}
