import type { Mutation } from '../prove.ts'

const MODEL_OF_CONSUMING = { test: 'async-rabbitmq/inventory-service/consuming.model.test.ts' }
const MODEL_OF_RELAY = { test: 'async-rabbitmq/outbox/relay.model.test.ts' }
const RELAY = 'async-rabbitmq/outbox/relay.ts'
const SETTLE = 'async-rabbitmq/broker/settle.ts'
const SETTLING = { test: 'async-rabbitmq/broker/settle.test.ts' }

/** Runs after the transaction that is open now, and dies with the process. */
const later = (call: string) => `void Promise.resolve().then(() => ${call}).catch(() => {})`

export const rabbitMutations: Mutation[] = [
  {
    name: 'rabbit-ack-before-commit',
    breaks: 'a message is acknowledged only when its effect is committed',
    file: 'async-rabbitmq/broker/consumer.ts',
    find: 'const decided = await decide(batch, options)',
    replace: [
      "await settle(context, batch, batch.map(() => ({ kind: 'ack' })))",
      '  const decided = await decide(batch, options)',
    ].join('\n'),
    check: MODEL_OF_CONSUMING,
  },
  {
    name: 'rabbit-inbox-forgotten',
    breaks: 'a message that is delivered again has no effect again',
    file: 'async-rabbitmq/inventory-service/on-order-placed.ts',
    find: 'if (!inbox.isNew({ message_id: event.id, order_id }, now())) return undefined',
    replace: 'inbox.isNew({ message_id: event.id, order_id }, now())',
    check: MODEL_OF_CONSUMING,
  },
  {
    name: 'rabbit-inbox-by-message-only',
    breaks: 'an order is decided once, however many messages announce it',
    file: 'async-rabbitmq/inventory-service/inbox.ts',
    find: 'order_id TEXT NOT NULL UNIQUE',
    replace: 'order_id TEXT NOT NULL',
    check: MODEL_OF_CONSUMING,
  },
  {
    name: 'rabbit-decision-outside-transaction',
    breaks: 'a decision and its announcement are stored together',
    file: 'async-rabbitmq/inventory-service/on-order-placed.ts',
    find: '  outbox.add(decided)',
    replace: `  ${later('outbox.add(decided)')}`,
    check: MODEL_OF_CONSUMING,
  },
  {
    name: 'rabbit-order-outside-transaction',
    breaks: 'an order and its announcement are stored together',
    file: 'async-rabbitmq/order-service/place-orders.ts',
    find: "outbox.add(orderPlaced(order, { id: message_id, source: 'order-service', now: now(), traceparent }))",
    replace: later(
      "outbox.add(orderPlaced(order, { id: message_id, source: 'order-service', now: now(), traceparent }))",
    ),
    check: { test: 'async-rabbitmq/order-service/place-orders.model.test.ts' },
  },
  {
    name: 'rabbit-sent-before-confirm',
    breaks: 'an event leaves the outbox only when the broker has confirmed it',
    file: RELAY,
    find: 'void publisher.publish(eventMessage(row)).then((result) => settle(row, result))',
    replace: "void publisher.publish(eventMessage(row))\n      settle(row, 'confirmed')",
    check: MODEL_OF_RELAY,
  },
  {
    name: 'rabbit-return-taken-for-sent',
    breaks: 'an event that no queue takes stays in the outbox',
    file: RELAY,
    find: "if (result === 'confirmed') {",
    replace: "if (result === 'confirmed' || result === 'returned') {",
    check: MODEL_OF_RELAY,
  },
  {
    name: 'rabbit-not-mandatory',
    breaks: 'the broker tells of an event that no queue takes',
    file: 'async-rabbitmq/broker/publisher.ts',
    find: 'mandatory: true, persistent: true',
    replace: 'mandatory: false, persistent: true',
    check: { test: 'async-rabbitmq/tests/topology-repair.int.test.ts', title: 'an unroutable order' },
  },
  {
    name: 'rabbit-setup-unguarded',
    breaks: 'a connection that dies in its setup is built again, whatever amqplib still waits for',
    file: 'async-rabbitmq/broker/set-up.ts',
    find: 'await Promise.race([lost.promise, declare(connection, ladder)])',
    replace: 'await declare(connection, ladder)',
    check: { test: 'async-rabbitmq/broker/connection.int.test.ts', title: 'in the last answer of its setup' },
  },
  {
    name: 'rabbit-seq-used-twice',
    breaks: 'the relay passes over no event',
    file: 'async-rabbitmq/outbox/outbox.ts',
    find: 'seq INTEGER PRIMARY KEY AUTOINCREMENT',
    replace: 'seq INTEGER PRIMARY KEY',
    check: { test: 'async-rabbitmq/outbox/outbox.test.ts' },
  },
  {
    name: 'rabbit-poison-retried',
    breaks: 'a malformed message is dead-lettered at once, with its reason',
    file: 'async-rabbitmq/broker/decide.ts',
    find: 'deadLetter(malformed)',
    replace: 'retry(malformed)',
    check: { test: 'async-rabbitmq/broker/decide.test.ts' },
  },
  {
    name: 'rabbit-poison-requeued',
    breaks: 'a dead letter that cannot be copied is left to the queue, not delivered again',
    file: SETTLE,
    find: 'else channel.reject(delivery, step !== undefined)',
    replace: 'else channel.reject(delivery, true)',
    check: SETTLING,
  },
  {
    name: 'rabbit-retry-without-end',
    breaks: 'a message that keeps failing is a dead letter once it was retried for long enough',
    file: 'async-rabbitmq/broker/retry-ladder.ts',
    find: 'attempts <= retries ? ',
    replace: 'attempts <= Infinity ? ',
    check: SETTLING,
  },
  {
    name: 'rabbit-copy-unconfirmed',
    breaks: 'a message is acknowledged only when the broker has confirmed its copy',
    file: SETTLE,
    find: "if (sent === 'confirmed') channel.ack(delivery)",
    replace: "if (sent !== 'returned') channel.ack(delivery)",
    check: SETTLING,
  },
  {
    name: 'rabbit-notified-twice',
    breaks: 'a reserved order is notified once',
    file: 'async-rabbitmq/notification-service/on-inventory-reserved.ts',
    find: 'events.filter((_, i) => isFirst[i])',
    replace: 'events',
    check: { test: 'async-rabbitmq/notification-service/on-inventory-reserved.test.ts' },
  },
]
