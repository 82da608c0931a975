import { curlPost } from '@lab/stack/curl.ts'
import type { PartSpec } from '@lab/stack/spec.ts'
import { steps } from './steps.ts'

export const part: PartSpec = {
  name: 'sync-rest',
  style: 'blocking HTTP',
  isTrio: true,
  basePort: 8000,
  servers: [],
  services: [
    {
      name: 'order-service',
      entry: 'sync-rest/order-service/server.ts',
      port: 8000,
      env: ({ urls }) => ({
        INVENTORY_URL: urls['inventory-service']!,
        NOTIFICATION_URL: urls['notification-service']!,
      }),
      compose: { name: 'rest-order-service', port: 'REST_ORDER_PORT' },
    },
    {
      name: 'inventory-service',
      entry: 'sync-rest/inventory-service/server.ts',
      port: 8001,
      env: () => ({}),
      compose: { name: 'rest-inventory-service', port: 'REST_INVENTORY_PORT' },
    },
    {
      name: 'notification-service',
      entry: 'sync-rest/notification-service/server.ts',
      port: 8002,
      env: () => ({}),
      compose: { name: 'rest-notification-service', port: 'REST_NOTIFICATION_PORT' },
    },
  ],
  shared: {},
  clients: ['undici'],
  steps,
  compose: { helpers: {} },
  guide: ({
    services: { 'order-service': orders, 'inventory-service': inventory, 'notification-service': third },
  }) => [
    [
      'one order, answered when it is reserved and notified',
      curlPost(`${orders!.url}/order`, { item: 'burger', quantity: 1 }),
    ],
    ['what is left', `curl -s ${inventory!.url}/stock`],
    ['who was notified', `curl -s ${third!.url}/notifications`],
    ['a slow inventory: now order again', curlPost(`${inventory!.url}/admin/delay`, { seconds: 2 })],
    ['and a fast one', `curl -s -X DELETE ${inventory!.url}/admin/faults`],
  ],
}
