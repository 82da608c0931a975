import { join } from 'node:path'
import type { RunningPart } from '@lab/lab/stack/part.ts'
import { type PartName, parts } from '@lab/lab/stack/parts.ts'

/** What `up` prints: where everything is, and commands to paste. */
export function describeRunning(running: RunningPart[], runPath: string): string {
  return [
    '',
    ...running.flatMap((part) => [...describePart(part), '']),
    `Logs: ${join(runPath, 'logs')} (gone when this ends)`,
    'Ctrl-C stops everything.',
  ].join('\n')
}

function describePart(part: RunningPart): string[] {
  return [
    `${part.part} (${parts[part.part].style})`,
    ...part.services.map(({ name, url }) => line(name, `${url}   ${url}/docs`)),
    ...describeBroker(part),
    ...samples[part.part](part).flatMap(([what, command]) => [`  ${what}:`, `    ${command}`]),
  ]
}

function describeBroker({ rabbit, kafka }: RunningPart): string[] {
  if (rabbit) {
    const password = rabbit.origin === 'external' ? 'your password' : rabbit.password
    const vhost = decodeURIComponent(new URL(rabbit.url).pathname.slice(1)) || '/'
    return [
      line(`RabbitMQ ${rabbit.version}`, `${rabbit.managementUrl}   login ${rabbit.username} / ${password}`),
      line('its virtual host', vhost),
    ]
  }
  return kafka ? [line(`Kafka ${kafka.version}`, `${kafka.brokers.join(',')}   (bootstrap servers)`)] : []
}

const line = (name: string, where: string) => `  ${name.padEnd(22)}${where}`
const post = (url: string, body: object) =>
  `curl -s -X POST ${url} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
const order = { item: 'burger', quantity: 1 }

/** What to try and the command for it, on lines of their own: not every shell takes a comment after a command. */
type Sample = [what: string, command: string]

/** Things that this style shows well. */
const samples: Record<PartName, (part: RunningPart) => Sample[]> = {
  'sync-rest': ({ order: orders, inventory, third }) => [
    ['one order, answered when it is reserved and notified', post(`${orders.url}/order`, order)],
    ['what is left', `curl -s ${inventory.url}/stock`],
    ['who was notified', `curl -s ${third.url}/notifications`],
    ['a slow inventory: now order again', post(`${inventory.url}/admin/delay`, { seconds: 2 })],
    ['and a fast one', `curl -s -X DELETE ${inventory.url}/admin/faults`],
  ],
  'async-rabbitmq': ({ order: orders, inventory, third }) => [
    ['one order, accepted at once', post(`${orders.url}/order`, order)],
    ['all orders: placed, a moment later reserved', `curl -s ${orders.url}/orders`],
    ['what is left', `curl -s ${inventory.url}/stock`],
    ['who was notified', `curl -s ${third.url}/notifications`],
    [
      'a slow inventory: orders are accepted as before, and wait in inventory_queue',
      post(`${inventory.url}/admin/delay`, { seconds: 2 }),
    ],
  ],
  'streaming-kafka': ({ order: orders, third: analytics }) => [
    ['one order', post(`${orders.url}/order`, order)],
    ['many', post(`${orders.url}/orders/bulk`, { count: 10_000 })],
    ['what analytics has counted', `curl -s ${analytics.url}/metrics`],
    ['a slow reader: place many again', post(`${analytics.url}/admin/throttle`, { seconds: 0.01 })],
    ['and see how far it is behind', `curl -s ${analytics.url}/lag`],
    ['count everything again from the log', `curl -s -X POST ${analytics.url}/admin/reset-offsets`],
  ],
}
