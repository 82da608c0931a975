import { type AnomalyType, NAMED_AT_MOST } from '../anomaly.ts'
import { acknowledged, failed, phantom, reserved, type World } from './world.ts'

/** One thing that goes wrong. Changes the world and answers the order it happened to; undefined where it cannot happen. */
export interface Mutation {
  plants: AnomalyType
  how: string
  apply: (world: World, pick: <T>(from: T[]) => T | undefined) => string | undefined
}

/** What can happen to an order: vanish, double, appear, change, hang, overtake. */
const orderMutations: Mutation[] = [
  {
    plants: 'lost',
    how: 'an acknowledged order vanishes without a trace, and its stock comes back',
    apply(world, pick) {
      const order_id = pick(acknowledged(world))
      const order = world.orders.find((order) => order.order_id === order_id)
      if (order_id) forget(world, order_id)
      if (order?.status === 'reserved') world.stock.left[order.item] += order.quantity
      return order_id
    },
  },
  {
    plants: 'unknown to the service',
    how: 'the order service forgets an order that inventory decided',
    apply(world, pick) {
      const order_id = pick(acknowledged(world))
      world.orders = world.orders.filter((order) => order.order_id !== order_id)
      return order_id
    },
  },
  {
    plants: 'doubled',
    how: 'an order is reserved by two events',
    apply(world, pick) {
      const order = pick(reserved(world))
      if (!order) return undefined
      world.decisions.push({ order_id: order.order_id, status: 'reserved', event_id: 'another' })
      world.stock.left[order.item] -= order.quantity
      return order.order_id
    },
  },
  {
    plants: 'doubled',
    how: 'an order is listed twice',
    apply(world, pick) {
      const order = pick(world.orders)
      if (order) world.orders.push({ ...order })
      return order?.order_id
    },
  },
  {
    plants: 'phantom',
    how: 'an order nobody placed is reserved',
    apply(world) {
      world.orders.push({ order_id: phantom, item: 'burger', quantity: 1, status: 'reserved' })
      world.notifications.push({ order_id: phantom })
      world.stock.left.burger -= 1
      return phantom
    },
  },
  {
    plants: 'phantom',
    how: 'an order nobody placed is decided, and not listed',
    apply(world) {
      world.decisions.push({ order_id: phantom, status: 'failed' })
      return phantom
    },
  },
  {
    plants: 'altered',
    how: 'an order changes its quantity on the way',
    apply(world, pick) {
      const order = pick(reserved(world))
      if (!order) return undefined
      order.quantity += 1
      world.stock.left[order.item] -= 1
      return order.order_id
    },
  },
  {
    plants: 'contradicted',
    how: 'inventory reserved an order that is shown as failed',
    apply(world, pick) {
      const order = pick(failed(world))
      const decision = world.decisions.findIndex(({ order_id }) => order_id === order?.order_id)
      if (!order) return undefined
      world.decisions[decision] = { order_id: order.order_id, status: 'reserved' }
      world.decisions = world.decisions.filter(
        ({ order_id }, i) => order_id !== order.order_id || i === decision,
      )
      return order.order_id
    },
  },
  {
    plants: 'stuck',
    how: 'an order stays placed for ever',
    apply(world, pick) {
      const order = pick(failed(world))
      if (!order) return undefined
      order.status = 'placed'
      world.decisions = world.decisions.filter(({ order_id }) => order_id !== order.order_id)
      world.updates = world.updates.filter(({ order_id }) => order_id !== order.order_id)
      return order.order_id
    },
  },
  {
    plants: 'reordered',
    how: 'an order overtakes an earlier one of its key',
    apply(world) {
      const keyOf = new Map(
        world.history.map(({ order_id, key, outcome }) => [order_id, outcome === 'ok' ? key : undefined]),
      )
      const later = world.decisions.findIndex(({ order_id }, i) => {
        const key = keyOf.get(order_id)
        const before = world.decisions.slice(0, i)
        return (
          key !== undefined &&
          before.some((other) => other.order_id !== order_id && keyOf.get(other.order_id) === key)
        )
      })
      if (later === -1) return undefined
      const [overtaking] = world.decisions.splice(later, 1)
      world.decisions.unshift(overtaking!)
      const key = keyOf.get(overtaking!.order_id)
      return world.decisions.find(
        ({ order_id }, i) => i > 0 && keyOf.get(order_id) === key && order_id !== overtaking!.order_id,
      )?.order_id
    },
  },
]

function forget(world: World, order_id: string): void {
  for (const source of [world.orders, world.updates, world.decisions, world.notifications]) {
    source.splice(0, source.length, ...(source.filter((entry) => entry.order_id !== order_id) as never[]))
  }
}

/** What can happen to stock, notifications, statuses and dead letters. */
const effectMutations: Mutation[] = [
  {
    plants: 'oversold',
    how: 'an order is reserved that the stock did not cover',
    apply(world) {
      const last = reserved(world).at(-1)
      if (!last) return undefined
      const { item } = last
      const sold = reserved(world).reduce((sum, order) => sum + (order.item === item ? order.quantity : 0), 0)
      world.stock.initial[item] = sold - last.quantity
      world.stock.left[item] = 0
      return reserved(world).findLast((order) => order.item === item)?.order_id
    },
  },
  {
    plants: 'negative stock',
    how: 'stock goes below zero',
    apply(world) {
      const last = reserved(world).at(-1)
      if (!last) return undefined
      world.stock.initial[last.item] -= world.stock.left[last.item] + 1
      world.stock.left[last.item] = -1
      return last.order_id
    },
  },
  {
    plants: 'stock not conserved',
    how: 'an order that failed has taken stock',
    apply(world) {
      const order = failed(world)[0]
      if (!order) return undefined
      world.stock.left[order.item] -= order.quantity
      return undefinedWhenHidden(world, order.order_id)
    },
  },
  {
    plants: 'stock not conserved',
    how: 'an order is reserved and no stock was taken',
    apply(world) {
      const order = reserved(world).at(-1)
      if (order) world.stock.left[order.item] += order.quantity
      return order?.order_id
    },
  },
  {
    plants: 'notified twice',
    how: 'a notification is sent again',
    apply(world, pick) {
      const notification = pick(world.notifications)
      if (notification) world.notifications.push({ ...notification })
      return notification?.order_id
    },
  },
  {
    plants: 'notified unreserved',
    how: 'a failed order is notified',
    apply(world, pick) {
      const order_id = pick(failed(world))?.order_id
      if (order_id) world.notifications.push({ order_id })
      return order_id
    },
  },
  {
    plants: 'reserved not notified',
    how: 'nobody is told of a reserved order',
    apply(world, pick) {
      const order_id = pick(world.notifications)?.order_id
      world.notifications = world.notifications.filter((notification) => notification.order_id !== order_id)
      return order_id
    },
  },
  {
    plants: 'status backwards',
    how: 'a decided order is shown as placed again',
    apply(world, pick) {
      const order_id = pick(world.orders)?.order_id
      if (order_id) world.updates.push({ order_id, status: 'placed' })
      return order_id
    },
  },
  {
    plants: 'status backwards',
    how: 'a client was told failed, and the order is reserved',
    apply(world, pick) {
      const order_id = pick(
        reserved(world).filter((order) => acknowledged(world).includes(order.order_id)),
      )?.order_id
      const record = world.history.find((record) => record.order_id === order_id)
      if (order_id && record) Object.assign(record, { outcome: 'rejected', status: 422, told: 'failed' })
      return order_id
    },
  },
  {
    plants: 'dead letter without origin',
    how: 'a dead letter names an order nobody placed',
    apply(world) {
      world.deadLetters.push({ place: 'dlq_queue', reason: 'not JSON', order_id: phantom })
      return phantom
    },
  },
  {
    plants: 'dead letter without origin',
    how: 'a dead letter names no order, and nobody put it there',
    apply(world) {
      world.deadLetters.push({ place: 'dlq_queue', reason: 'not JSON' })
      return 'a message in dlq_queue'
    },
  },
]

/** A bounded number of suspects is named; after many earlier ones this order may not be among them. */
function undefinedWhenHidden(world: World, order_id: string): string | undefined {
  const records = world.history.slice(
    0,
    world.history.findIndex((record) => record.order_id === order_id),
  )
  return records.length < NAMED_AT_MOST ? order_id : undefined
}

export const mutations: Mutation[] = [...orderMutations, ...effectMutations]
