import { type InventoryReserved, inventoryDecided } from '@lab/common/domain/events.ts'
import { createNotificationStore, NOTIFICATIONS_SCHEMA } from '@lab/common/notification-store.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import { everyRow } from '@lab/common/testing/every-row.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { ack, duplicate } from '@lab/kit/outcome.ts'
import { openStore } from '@lab/kit/store.ts'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { onInventoryReserved } from './on-inventory-reserved.ts'

test('notification-service on inventory.reserved notifies each order once, however often it is told', () => {
  const store = openStore('notifications', undefined, NOTIFICATIONS_SCHEMA)
  onTestFinished(() => void store.close())
  const notifications = createNotificationStore(store)
  const logged: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
  const metrics = createMetrics('notification-service')
  const handle = onInventoryReserved({ store, notifications, metrics, log, now: () => 5_000 })
  const [first, second] = [anOrder(), anOrder({ item: 'pizza' })]
  const reserved = (order = first) =>
    inventoryDecided({ ...order, status: 'placed' }, { status: 'reserved' }, { source: 't', now: 0 })
  const events = [reserved(first), reserved(second), reserved(first)] as InventoryReserved[]

  expect(handle(events)).toEqual([ack(), ack(), duplicate()])
  expect(handle(events.slice(0, 1))).toEqual([duplicate()])
  expect(everyRow(notifications)).toEqual([
    { order_id: first.order_id, status: 'reserved', item: first.item, at: 5 },
    { order_id: second.order_id, status: 'reserved', item: 'pizza', at: 5 },
  ])
  expect(logged.filter((line) => line.includes('notification sent'))).toHaveLength(2)
})
