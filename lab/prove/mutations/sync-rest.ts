import type { Mutation } from '../prove.ts'

const RESERVATIONS = 'sync-rest/inventory-service/reservations.ts'
const MODEL_OF_RESERVATIONS = { test: 'sync-rest/inventory-service/reservations.model.test.ts' }
const MODEL_OF_SETTLING = { test: 'sync-rest/order-service/settle.model.test.ts' }

export const restMutations: Mutation[] = [
  {
    name: 'rest-undecided-forgotten',
    breaks: 'stock is released when the outcome of an order could not be stored',
    file: 'sync-rest/order-service/place-order.ts',
    find: 'onUndecided(order_id)\n',
    replace: '\n',
    check: { test: 'sync-rest/order-service/app.test.ts', title: 'whose outcome it could not store' },
  },
  {
    name: 'rest-reserve-repeated',
    breaks: 'reserving an order again takes no stock again',
    file: RESERVATIONS,
    find: 'if (row) return {',
    replace: "if (row?.state === 'reserved') move.run(-quantity, item)\n    if (row) return {",
    check: MODEL_OF_RESERVATIONS,
  },
  {
    name: 'rest-no-tombstone',
    breaks: 'a reservation that arrives after its release takes no stock',
    file: RESERVATIONS,
    find: "if (!row) insert(order_id, null, null, 'released')",
    replace: '',
    check: MODEL_OF_RESERVATIONS,
  },
  {
    name: 'rest-timeout-forgotten',
    breaks: 'stock reserved by a call that timed out is released',
    file: 'sync-rest/order-service/reserve-outcome.ts',
    find: "return { status: 'timeout', isUnknown: true }",
    replace: "return { status: 'timeout', isUnknown: false }",
    check: MODEL_OF_SETTLING,
  },
  {
    name: 'rest-kill-forgotten',
    breaks: 'an order in flight when the process is killed is settled',
    file: 'sync-rest/order-service/orders.ts',
    find: 'store.transaction(() => rows.recover())',
    replace: '',
    check: MODEL_OF_SETTLING,
  },
  {
    name: 'rest-settle-gives-up',
    breaks: 'an unknown outcome is settled however long inventory is away',
    file: 'sync-rest/order-service/settle.ts',
    find: 'else await backOff(failures, stopping.signal)',
    replace: 'else return',
    check: { test: 'sync-rest/order-service/settle.test.ts' },
  },
  {
    name: 'rest-notification-fails-order',
    breaks: 'an order is reserved whether notification answers or not',
    file: 'sync-rest/order-service/place-order.ts',
    find: "'notification not sent')",
    replace: "'notification not sent')\n      throw new Error('notification failed')",
    check: { test: 'sync-rest/order-service/app.test.ts' },
  },
]
