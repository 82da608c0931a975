import { newOrderId } from '@lab/common/ids.ts'
import { NOTIFICATIONS_SCHEMA } from '@lab/common/notification-store.ts'
import { createLog } from '@lab/kit/log.ts'
import { nextIn } from '@lab/kit/paging.ts'
import { openStore } from '@lab/kit/store.ts'
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
  const page = async (url: string) => {
    const res = await app.inject(url)
    const ids = res.json().map(({ order_id }: { order_id: string }) => order_id) as string[]
    return { ids, next: nextIn(String(res.headers.link ?? '')) }
  }
  return { app, send, sent, page }
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
  test('lists all in pages, oldest first, each with the address of the next', async () => {
    const { send, page } = await open()
    const all = Array.from({ length: 1_500 }, aNotification)
    await Promise.all(all.map(send))

    const first = await page('/notifications')
    const second = await page(first.next!)

    expect(first.ids).toHaveLength(1_000)
    expect([...first.ids, ...second.ids]).toEqual(all.map(({ order_id }) => order_id))
    expect(second.next).toBeUndefined()
    const few = await page('/notifications?limit=2')
    expect((await page(few.next!)).ids).toEqual(first.ids.slice(2, 4))
  })

  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=1001'],
    ['limit', 'limit=1&limit=2'],
    ['cursor', 'cursor=nonsense'],
    ['offset', 'offset=3'],
  ])('names the parameter %s that is wrong in ?%s', async (field, query) => {
    const { app } = await open()
    const res = await app.inject(`/notifications?${query}`)

    expect(res.statusCode).toBe(400)
    expect(res.json()).toMatchObject({ code: 'LAB_REQUEST_INVALID', errors: [{ field }] })
  })
})
