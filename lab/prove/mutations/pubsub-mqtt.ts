import type { Mutation } from '../prove.ts'

const KITCHEN = 'pubsub-mqtt/kitchen-service/kitchen.ts'
const ORDERS = 'pubsub-mqtt/kitchen-service/order-store.ts'
const SUBSCRIBE = 'pubsub-mqtt/mqtt/subscribe.ts'
const CONNECT = 'pubsub-mqtt/mqtt/connect.ts'
const IN_PROCESS = { test: 'pubsub-mqtt/kitchen-service/kitchen.test.ts' }
const real = (title: string) => ({ test: 'pubsub-mqtt/tests/kitchen.int.test.ts', title })
const wire = (title: string) => ({ test: 'pubsub-mqtt/tests/connection.int.test.ts', title })
const desk = (title: string) => ({ test: 'pubsub-mqtt/tests/order-desk.int.test.ts', title })

export const mqttMutations: Mutation[] = [
  {
    name: 'mqtt-order-cooked-again',
    breaks: 'an order whose message comes twice is cooked once',
    file: KITCHEN,
    find: 'if (known?.number === table && known.food === food) {',
    replace: 'if (known?.number === table && known.food === food && timers.size < 0) {',
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-queue-unbounded',
    breaks: 'a kitchen that is full says so',
    file: KITCHEN,
    find: '} else if (room.waiting < queueLimit) {',
    replace: '} else if (room.waiting >= 0) {',
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-cooking-not-resumed',
    breaks: 'what cooked when the kitchen was killed is finished',
    file: KITCHEN,
    find: '    for (const order of begun) cook(order)\n    return begun.length',
    replace: '    return begun.length',
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-food-of-another-kitchen',
    breaks: 'an order that was taken over is finished by one kitchen only',
    file: ORDERS,
    find: "WHERE order_id = ? AND kitchen = ? AND status = 'cooking' RETURNING",
    replace: "WHERE order_id = ? AND ? <> '' AND status = 'cooking' RETURNING",
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-table-of-payload-trusted',
    breaks: 'an order is of the table of its topic',
    file: 'pubsub-mqtt/kitchen-service/read-order.ts',
    find: 'if (read.data.table !== table)',
    replace: 'if (read.data.table === undefined)',
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-orders-never-forgotten',
    breaks: 'the kitchen remembers a bounded number of orders',
    file: ORDERS,
    find: 'forget.run(newest - REMEMBERED)',
    replace: 'forget.run(newest - 2 * REMEMBERED - 2_000)',
    check: IN_PROCESS,
  },
  {
    name: 'mqtt-acknowledged-before-recorded',
    breaks: 'a message is acknowledged only when it is recorded',
    file: SUBSCRIBE,
    find: 'const recorded = batch.length === 0 ? 0 : await handle(batch)',
    replace:
      'for (const message of batch) acknowledge(message)\n        const recorded = batch.length === 0 ? 0 : await handle(batch)',
    check: real('acknowledges nothing that it has not recorded'),
  },
  {
    name: 'mqtt-late-acknowledgement',
    breaks: 'a PUBACK goes to the connection its message came by',
    file: SUBSCRIBE,
    find: 'if (isCurrent(message)) acknowledge(message)',
    replace: 'acknowledge(message)',
    check: wire('acknowledges on no other connection'),
  },
  {
    name: 'mqtt-failure-acknowledged',
    breaks: 'what could not be recorded is tried again before what follows',
    file: SUBSCRIBE,
    find: '      waiting.unshift(...batch)\n',
    replace: '',
    check: wire('tries again what could not be recorded'),
  },
  {
    name: 'mqtt-session-forgotten',
    breaks: 'the broker keeps orders for a kitchen that is away',
    file: CONNECT,
    find: 'clean: sessionExpirySeconds === 0,',
    replace: 'clean: true,',
    check: real('cooks what was ordered while it was away'),
  },
  {
    name: 'mqtt-shared-subscription-trusted',
    breaks: 'orders reach the kitchen after a restart of the broker, whatever it says of the session',
    file: CONNECT,
    find: 'void subscribed().then((isSubscribed) => {',
    replace: 'void (sessionPresent ? Promise.resolve(true) : subscribed()).then((isSubscribed) => {',
    check: wire('has its shared subscription again'),
  },
  {
    name: 'mqtt-no-will',
    breaks: 'a kitchen that is killed is announced',
    file: CONNECT,
    find: '...(will && {',
    replace: '...(will && sessionExpirySeconds < 0 && {',
    check: real('loses nothing and cooks nothing twice'),
  },
  {
    name: 'mqtt-session-not-emptied',
    breaks: 'what the broker keeps for a kitchen that is gone is cooked by another',
    file: 'pubsub-mqtt/kitchen-service/relief.ts',
    find: '      await emptySession(other)\n',
    replace: '',
    check: real('share the work'),
  },
  {
    name: 'mqtt-orders-not-taken-over',
    breaks: 'what a kitchen had not finished when it was gone is finished by another',
    file: 'pubsub-mqtt/kitchen-service/relief.ts',
    find: '      onTaken()\n',
    replace: '',
    check: real('share the work'),
  },
  {
    name: 'mqtt-food-removed-unread',
    breaks: 'a food leaves the outbox only when the broker has it',
    file: 'pubsub-mqtt/mqtt/publish.ts',
    find: 'Math.min(last, ...[...underWay].map((seq) => seq - 1))',
    replace: 'Math.max(last, ...done)',
    check: { test: 'pubsub-mqtt/mqtt/publish.test.ts' },
  },
  {
    name: 'mqtt-state-not-retained',
    breaks: 'whoever comes later sees the same state',
    file: 'pubsub-mqtt/kitchen-service/announce.ts',
    find: 'JSON.stringify(state), { retain: true })',
    replace: 'JSON.stringify(state), { retain: false })',
    check: real('shows a late guest the same'),
  },
  {
    name: 'mqtt-total-trusted',
    breaks: 'a total that is not the sum of its items is refused',
    file: 'pubsub-mqtt/mqtt/schemas.ts',
    find: 'totalCents(items) === Math.round(total_amount * 100)',
    replace: 'totalCents(items) >= 0 || total_amount < 0',
    check: desk('stores an order once'),
  },
  {
    name: 'mqtt-desks-of-one-session',
    breaks: 'two order desks, each with a store, both store every order',
    file: 'pubsub-mqtt/order-desk-service/app.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source that is looked for
    find: 'clientId: `order-desk-${orders.id}`',
    replace: "clientId: 'order-desk'",
    check: desk('lets a desk of another store'),
  },
  {
    name: 'mqtt-desks-of-one-store',
    breaks: 'no two order desks work on one store',
    file: 'pubsub-mqtt/order-desk-service/server.ts',
    find: ', { isExclusive: true }',
    replace: '',
    check: desk('refuses to work on the store of another'),
  },
  {
    name: 'mqtt-other-order-taken-for-repeat',
    breaks: 'another order under a known id is kept as refused',
    file: 'pubsub-mqtt/order-desk-service/order-store.ts',
    find: "known.body === body ? 'repeated' : 'taken'",
    replace: "'repeated'",
    check: desk('stores an order once'),
  },
]
