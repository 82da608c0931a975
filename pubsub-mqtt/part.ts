import { curlPost } from '@lab/stack/curl.ts'
import type { PartSpec, ServiceSpec } from '@lab/stack/spec.ts'

const env: ServiceSpec['env'] = ({ servers }) => ({ MQTT_URL: servers.mosquitto.url })

export const part: PartSpec = {
  name: 'pubsub-mqtt',
  style: 'MQTT topics',
  isTrio: false,
  basePort: 8300,
  servers: ['mosquitto'],
  services: [
    {
      name: 'page-service',
      entry: 'pubsub-mqtt/page-service/server.ts',
      port: 5173,
      env: ({ servers: { mosquitto } }) => (mosquitto.wsUrl ? { VITE_MQTT_URL: mosquitto.wsUrl } : {}),
      page: { folder: 'pubsub-mqtt/page', sources: ['pubsub-mqtt/mqtt/topics.ts'] },
      compose: { name: 'mqtt-page-service', port: 'MQTT_PAGE_PORT' },
    },
    {
      name: 'kitchen-service',
      entry: 'pubsub-mqtt/kitchen-service/server.ts',
      port: 8000,
      env,
      compose: { name: 'mqtt-kitchen-service', port: 'MQTT_KITCHEN_PORT' },
    },
    {
      name: 'order-desk-service',
      entry: 'pubsub-mqtt/order-desk-service/server.ts',
      port: 8001,
      env,
      compose: { name: 'mqtt-order-desk-service', port: 'MQTT_DESK_PORT' },
    },
  ],
  shared: { mqtt: ['mqtt'], tools: [] },
  compose: {
    helpers: { mosquitto: ['MQTT_PORT', 'MQTT_WS_PORT'] },
    env: (port) => ({ VITE_MQTT_URL: `ws://127.0.0.1:${port('MQTT_WS_PORT')}/mqtt` }),
  },
  guide: ({
    services: { 'page-service': page, 'kitchen-service': kitchen, 'order-desk-service': desk },
    servers: { mosquitto },
  }) => [
    ['the four tables', page!.url],
    ['what the kitchen knows of table 2', `curl -s ${kitchen!.url}/tables/2`],
    ['a slow kitchen: orders wait in the broker', curlPost(`${kitchen!.url}/admin/delay`, { seconds: 2 })],
    ['five customer orders, a second apart', `npm run lab -- mqtt generate 5 1 --broker ${mosquitto!.url}`],
    ['what was sold', `curl -s ${desk!.url}/stats`],
  ],
  commands: {
    word: 'mqtt',
    about: 'orders to a broker and from it, by hand',
    list: {
      generate: { about: 'publish random customer orders', load: () => import('./tools/generator.ts') },
      publish: { about: 'publish one sample order', load: () => import('./tools/publisher.ts') },
      subscribe: { about: 'show every order that arrives', load: () => import('./tools/subscriber.ts') },
    },
  },
}
