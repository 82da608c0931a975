import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { accessibilityFindings, browserObstacle, useBrowser } from '@lab/stack/testing/browser.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { part as spec } from '../part.ts'
import { expectStatus } from './call.ts'
import { openPlatform, openRestaurant, type Person, type Platform } from './platform.ts'

describe('why is my order here', () => {
  let platform: Platform
  let [owner, customer]: Person[] = []
  let order: (food?: string) => Promise<string>

  beforeAll(async () => {
    platform = await openPlatform({
      run: joinRunDir(),
      servers: Object.fromEntries(spec.servers.map((name) => [name, sharedServer(name)])),
    })
    ;[owner, customer] = [await platform.withRole('owner'), await platform.signIn()]
    const { restaurant_id, food_id } = await openRestaurant(owner!)
    order = async () => {
      const body = { restaurant_id, items: [{ food_id, quantity: 2 }] }
      return (await expectStatus(customer!.send('POST', '/api/orders', body), 201)).json.order_id
    }
  })
  afterAll(() => platform?.part.close())

  const why = async (id: string) => (await expectStatus(customer!.get(`/api/orders/${id}/why`), 200)).json
  const waitsFor = (id: string, expected: string[]) =>
    waitFor(`${id} to wait for ${expected}`, async () => {
      const { waiting_for } = await why(id)
      if (JSON.stringify(waiting_for) === JSON.stringify(expected)) return true
      throw new Error(`it waits for ${waiting_for}`)
    })

  test('follows an order from its placing to its end', async () => {
    const id = await order()
    const unpaid = 'the customer, to pay the bill'
    await waitsFor(id, ['the kitchen, to begin: its ticket is PENDING', unpaid])

    const ticket = (await expectStatus(owner!.get(`/api/kitchen/tickets/order/${id}`), 200)).json
    for (const status of ['PREPARING', 'READY', 'DELIVERED'])
      await expectStatus(
        owner!.send('PATCH', `/api/kitchen/tickets/${ticket.ticket_id}/status`, { status }),
        200,
      )
    const bill = (await expectStatus(customer!.get(`/api/billing/bills/order/${id}`), 200)).json
    await expectStatus(customer!.send('POST', `/api/billing/bills/${bill.bill_id}/pay`), 200)
    await waitsFor(id, [])
    await waitFor('the mail', async () =>
      (await why(id)).steps.some(({ where }: { where: string }) => where === 'mail'),
    )

    const { steps, trace_id } = await why(id)
    const what = steps.map((step: { what: string }) => step.what)
    for (const one of [
      'order.placed from order-service',
      'ticket made',
      'bill made',
      'bill.paid from billing-service',
    ])
      expect(what).toContain(one)
    expect(what.filter((text: string) => text.startsWith('order.status_updated'))).toHaveLength(3)
    expect(trace_id).toMatch(/^[\da-f]{32}$/)
  })

  test('says which service has not done its share yet', async () => {
    const billing = platform.part.services['billing-service']!
    await billing.stop()
    const id = await order()
    await waitsFor(id, [
      'billing-service is away: what it knows is missing here',
      'the kitchen, to begin: its ticket is PENDING',
    ])
    await billing.start()
    await waitFor(
      'its bill',
      async () => (await customer!.get(`/api/billing/bills/order/${id}`)).status === 200,
    )
  })

  test('tells a stranger nothing', async () => {
    const id = await order()
    const stranger = await platform.signIn()
    expect((await stranger.get(`/api/orders/${id}/why`)).status).toBe(404)
    expect((await platform.call('GET', `/api/orders/${id}/why`)).status).toBe(401)
  })

  describe.skipIf(browserObstacle)(`the page ${browserObstacle ?? ''}`, () => {
    const browser = useBrowser()

    test('shows the road of an order to whoever has the token', async () => {
      const id = await order()
      const { page, complaints } = await browser.newPage()
      await page.goto(`${platform.gateway}/why/${id}`)
      await page.getByText('Whose order is it?').waitFor()
      await page.getByLabel('Session token').fill(customer!.token)
      await page.getByRole('button', { name: 'Show' }).click()

      await page.getByText('the kitchen, to begin').waitFor()
      await page.getByRole('cell', { name: 'order.placed from order-service' }).waitFor()
      await page.getByRole('link', { name: 'bill' }).click()
      await page.getByText('"payment_status": "unpaid"').waitFor()
      expect(await accessibilityFindings(page)).toEqual([])
      expect(complaints).toEqual([])
    })
  })
})
