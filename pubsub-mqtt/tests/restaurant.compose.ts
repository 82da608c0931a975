import { waitFor } from '@lab/kit/wait.ts'
import { testUnderCompose } from '@lab/stack/fixtures/compose.ts'
import { expect, onTestFinished } from 'vitest'
import { part as spec } from '../part.ts'
import { RestaurantOrders } from '../tools/restaurant-orders.ts'
import { eventually, Guest } from './restaurant.ts'

const serviceEnv = { 'kitchen-service': { PREP_MIN_MS: '20', PREP_MAX_MS: '300' } }

await testUnderCompose(spec, { serviceEnv }, async ({ servers: { mosquitto }, services }) => {
  const { 'page-service': page, 'kitchen-service': kitchen, 'order-desk-service': desk } = services
  expect(await (await fetch(page!.url)).text()).toContain('<script type="module"')

  await using guest = await Guest.sitDown(mosquitto!.wsUrl!)
  await guest.allReadyOnce(await guest.orders(20))
  await kitchen!.kill()
  await eventually('its last will', () => guest.kitchens.get('kitchen')?.status === 'offline')
  const whileAway = await guest.orders(10)
  await kitchen!.start()
  await guest.allReadyOnce(whileAway)

  const restaurant = new RestaurantOrders({ broker: mosquitto!.url })
  onTestFinished(() => restaurant.close())
  const items = [{ name: 'Lemonade', quantity: 2, price: 2.99 }]
  const { order_id } = await restaurant.publishOrder({ customer_name: 'John Doe', items })
  await waitFor('the desk to store it', async () => (await fetch(`${desk!.url}/orders/${order_id}`)).ok)
})
