import { waitFor } from '@lab/kit/wait.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import { browserObstacle } from '@lab/stack/testing/browser.ts'
import { describe, expect, test } from 'vitest'
import { decidedBy, PATIENTLY, picture, recentIn, SLOWLY, undecidedIn, useLanes } from './lanes.ts'

const HEADINGS = ['blocking HTTP', 'RabbitMQ topic exchange', 'Kafka topics']

describe.skipIf(browserObstacle)(`the lanes of the live page ${browserObstacle ?? ''}`, () => {
  const { open, ask, listened, orderOfTheDead, place, lagOf, latest, number, kafka, run } = useLanes()

  test('show an order placed in each, and see it arrive', async () => {
    const { page, complaints } = await open('flow')
    await listened()

    await page.getByRole('button', { name: 'Place one' }).click()
    for (const heading of HEADINGS) await latest(page, heading).filter({ hasText: 'done' }).waitFor(SLOWLY)
    await picture(page, 'flow')
    expect(complaints).toEqual([])
  })

  test('hold a consumer, and let one message go at a time', async () => {
    const { page } = await open('flow')
    const lane = page.getByRole('region', { name: 'RabbitMQ topic exchange', exact: true })
    await lane.getByRole('button', { name: 'Pause inventory-service' }).click()
    const step = lane.getByRole('button', { name: 'Let one go at inventory-service' })
    await step.waitFor()
    const before = await decidedBy(ask)

    await place('async-rabbitmq', 3)
    await waitFor('three orders that wait', async () => (await undecidedIn(ask, 'async-rabbitmq')) === 3)
    for (const gone of [1, 2]) {
      await step.click()
      await waitFor(`${gone} decided`, async () => (await decidedBy(ask)) - before === gone)
    }
    expect(await undecidedIn(ask, 'async-rabbitmq')).toBe(1)

    await lane.getByRole('button', { name: 'Resume inventory-service' }).click()
    await waitFor('all decided', async () => (await decidedBy(ask)) - before === 3)
  })

  test('show a depth that grows while the inventory is dead, as the broker has it', async () => {
    const { page } = await open('figures')
    const { depth } = await orderOfTheDead(page, 7)

    await run('start', 'async-rabbitmq/inventory-service')
    await waitFor('an empty queue', async () => (await depth()) === 0, PATIENTLY)
  })

  test('show the lag of a dead group, as the broker has it, and never 0', async () => {
    const { page } = await open('figures')
    await run('kill', 'streaming-kafka/analytics-consumer')
    await place('streaming-kafka', 6)
    const topics = ['order-events', 'inventory-events']
    await waitFor(
      'all decisions in the log',
      async () => (await undecidedIn(ask, 'streaming-kafka')) === 0,
      PATIENTLY,
    )

    const shown = () => number(page, '[data-lag=analytics-group]')
    const actual = await waitFor(
      'a lag that stands',
      async () => (await lagOf('analytics-group', topics)) || undefined,
    )
    expect(actual).toBeGreaterThanOrEqual(12)
    await waitFor('the same lag on the page', async () => (await shown()) === actual, PATIENTLY)
    const group = page.locator('p').filter({ hasText: 'analytics-group' })
    await group.getByText(/^(Empty|Dead)$/).waitFor(SLOWLY)
    expect(await shown()).toBe(actual)
    await picture(page, 'dead-group')

    await run('start', 'streaming-kafka/analytics-consumer')
    await waitFor('the group to catch up', async () => (await shown()) === 0, PATIENTLY)
  })

  test('let nobody’s group grow when the log is browsed, and replay to the same hash', async () => {
    const { page, complaints } = await open('brokers')
    const groups = () =>
      withAdmin(kafka.brokers, async (admin) =>
        (await admin.listGroups()).groups.map(({ groupId }) => groupId).sort(),
      )
    const before = await groups()
    const [order] = (await waitFor('an order', async () => recentIn(ask, 'streaming-kafka')))!

    await page.getByLabel('Find by').selectOption('key')
    await page.getByLabel('Order id').fill(order!)
    await page.getByRole('button', { name: 'Read', exact: true }).click()
    await page.getByText(/^1 record, of/).waitFor(SLOWLY)
    await page.getByText('OrderPlaced').first().click()
    await page.getByText('"order_id"').first().waitFor()
    expect((await groups()).filter((group) => !before.includes(group))).toEqual([])

    await page.getByRole('button', { name: 'Replay the log' }).click()
    const hashes = page.locator('[data-hash]')
    await waitFor('the hash after the replay', async () => (await hashes.count()) === 2, PATIENTLY)
    expect(new Set(await hashes.allTextContents()).size).toBe(1)

    await page.getByRole('img', { name: /^Exchanges on the left/ }).waitFor()
    await page.getByText('Bindings and queues as a table').click()
    await page.getByRole('row', { name: 'orders_exchange order.placed inventory_queue' }).waitFor()
    await picture(page, 'brokers')
    expect(complaints).toEqual([])
  })
})
