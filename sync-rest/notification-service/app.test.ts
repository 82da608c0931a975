import { newOrderId } from '@lab/common/ids.ts'
import { createLog } from '@lab/common/kit/log.ts'
import { NOTIFICATIONS_SCHEMA } from '@lab/common/kit/notification-store.ts'
import { openStore } from '@lab/common/kit/store.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildApp } from './app.ts'
import { createNotifications } from './notifications.ts'

async function open() {
  const notifications = createNotifications(
    openStore('notification-service', undefined, NOTIFICATIONS_SCHEMA),
  )
  const log = createLog('notification-service', 'silent')
  const app = await buildApp({ service: 'notification-service', log, notifications })
  onTestFinished(() => app.close())
  const send = (payload: object) => app.inject({ method: 'POST', url: '/send', payload })
  const sent = async () => (await app.inject('/notifications')).json()
  return { send, sent }
}

const aNotification = () => ({ order_id: newOrderId(), status: 'reserved', item: 'burger' })

describe('notification-service on POST /send', () => {
  test('notifies once an order, however often it is asked', async () => {
    const { send, sent } = await open()
    const notification = aNotification()

    const answers = await Promise.all([send(notification), send(notification), send(notification)])

    expect(answers.map((res) => res.json().sent).sort()).toEqual([false, false, true])
    expect(await sent()).toEqual([{ ...notification, at: expect.any(Number) }])
  })

  test('refuses what is no notification, by name', async () => {
    const { send, sent } = await open()

    const res = await send({ ...aNotification(), order_id: '7', at: 1 })

    expect(res.statusCode).toBe(400)
    expect(res.json().errors.map(({ field }: { field: string }) => field)).toEqual(['order_id', 'at'])
    expect(await sent()).toEqual([])
  })
})

describe('notification-service on GET /notifications', () => {
  test('lists more than one page, oldest first', async () => {
    const { send, sent } = await open()
    const all = Array.from({ length: 1_500 }, aNotification)

    await Promise.all(all.map(send))

    expect((await sent()).map(({ order_id }: { order_id: string }) => order_id)).toEqual(
      all.map(({ order_id }) => order_id),
    )
  })
})
