import type { Mutation } from './mutations.ts'
import { acknowledged, failed, reserved, stranger, type World } from './world.ts'

/** What can happen to an order: vanish, double, appear, change, hang, overtake. */
export const orderMutations: Mutation[] = [
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
      world.orders.push({ order_id: stranger, item: 'burger', quantity: 1, status: 'reserved' })
      world.notifications.push({ order_id: stranger })
      world.stock.left.burger -= 1
      return stranger
    },
  },
  {
    plants: 'phantom',
    how: 'an order nobody placed is decided, and not listed',
    apply(world) {
      world.decisions.push({ order_id: stranger, status: 'failed' })
      return stranger
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
