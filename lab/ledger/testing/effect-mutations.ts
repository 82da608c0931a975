import { NAMED_AT_MOST } from '../anomaly.ts'
import type { Mutation } from './mutations.ts'
import { acknowledged, failed, reserved, stranger, type World } from './world.ts'

/** What can happen to stock, notifications, statuses and dead letters. */
export const effectMutations: Mutation[] = [
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
      world.deadLetters.push({ place: 'dlq_queue', reason: 'not JSON', order_id: stranger })
      return stranger
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
