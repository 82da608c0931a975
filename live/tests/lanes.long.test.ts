import { waitFor } from '@lab/kit/wait.ts'
import { accessibilityFindings, browserObstacle } from '@lab/stack/testing/browser.ts'
import { describe, expect, test } from 'vitest'
import { PATIENTLY, picture, SLOWLY, undecidedIn, useLanes } from './lanes.ts'

describe.skipIf(browserObstacle)(`the lanes of the live page, at length ${browserObstacle ?? ''}`, () => {
  const { open, ask, listened, orderOfTheDead, place, withQueue, latest, run } = useLanes()

  test('tell the story of an order hop by hop, with what the services wrote and its trace', async () => {
    const { page, complaints } = await open('flow')
    await listened()

    await page.getByRole('button', { name: 'Place one' }).click()
    await latest(page, 'RabbitMQ topic exchange').filter({ hasText: 'done' }).waitFor(SLOWLY)
    expect(await accessibilityFindings(page)).toEqual([])

    await latest(page, 'RabbitMQ topic exchange').getByRole('button').first().click()
    const story = page.getByRole('dialog')
    for (const hop of [
      'order-service stored the order',
      'OrderPlaced published as order.placed, into inventory_queue',
      'inventory_queue delivered it to inventory-service',
      'notification_queue delivered it to notification-service',
      'notification-service notified the customer',
    ])
      await story.getByRole('cell', { name: hop, exact: true }).waitFor()
    await expect
      .poll(async () => {
        await story.getByRole('button', { name: 'Look again' }).click()
        return story.getByRole('listitem').allTextContents()
      })
      .toEqual(expect.arrayContaining([expect.stringContaining('notification sent')]))
    expect(
      await story
        .locator('p')
        .filter({ hasText: /^[0-9a-f]{32}$/ })
        .count(),
    ).toBe(1)
    await picture(page, 'story')
    expect(await accessibilityFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('name the orders that are lost, when somebody empties the queue of a dead inventory', async () => {
    const { page } = await open('figures')
    const { depth, lamp } = await orderOfTheDead(page, 7)
    expect(await accessibilityFindings(page)).toEqual([])

    await withQueue((channel) => channel.purgeQueue('inventory_queue'))
    await waitFor('the empty queue', async () => (await depth()) === 0)
    // What waits in an outbox of a dead service cannot be known: nothing is called lost before it is back.
    await run('start', 'async-rabbitmq/inventory-service')
    await lamp.and(page.locator('[data-state=broken]')).waitFor(SLOWLY)
    await lamp.getByText('7 are nowhere').waitFor()
    expect(await lamp.getByRole('listitem').count()).toBe(7)
    await picture(page, 'lamp')
  })

  test('can be rewound, and come back to what is live', async () => {
    const { page } = await open('flow')
    await place('sync-rest', 10)
    await latest(page, 'blocking HTTP').first().waitFor()
    await waitFor('arrived orders', async () => (await undecidedIn(ask, 'sync-rest')) === 0)

    await page.getByRole('button', { name: 'Rewind' }).click()
    await page.getByText(/^You see .* ago$/).waitFor()
    const slider = page.getByRole('slider', { name: 'Moment' })
    const end = Number(await slider.getAttribute('max'))
    await slider.fill(String(end))
    await page.getByText(/^You see/).waitFor()
    await slider.fill(String(Number(await slider.getAttribute('min'))))
    await page.getByLabel('Speed').selectOption('4')
    await page.getByRole('button', { name: 'Play' }).click()
    await waitFor(
      'recorded orders on the picture',
      async () => Number(await page.locator('canvas').getAttribute('data-tokens')) > 0,
      PATIENTLY,
    )
    expect(await accessibilityFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'Back to live' }).click()
    await page.getByText('See the last minutes once more').waitFor()
  })

  test('never freeze: at 500 orders a second a frame costs the page less processor time than 60 a second leave it', async () => {
    const { page } = await open('flow')
    const debuggerOf = await page.context().newCDPSession(page)
    // In processor time of the page's own thread: what else runs on this machine is in no figure.
    await debuggerOf.send('Performance.enable', { timeDomain: 'threadTicks' })
    const busy = async () => {
      const { metrics } = await debuggerOf.send('Performance.getMetrics')
      return metrics.find(({ name }: { name: string }) => name === 'TaskDuration')!.value * 1_000
    }

    const undecided = await undecidedIn(ask, 'async-rabbitmq')

    await place('async-rabbitmq', 4_000, { rate: 500 })
    await page
      .getByText(/^1 of \d+ orders is drawn$/)
      .first()
      .waitFor(SLOWLY)
    const before = await busy()
    const frames = (await page.evaluate(FRAMES_OF_4_S)) as number
    const perFrame = ((await busy()) - before) / frames

    await picture(page, 'busy')
    console.log(
      `the flow at 500 orders/s: ${frames} frames in 4 s, ${perFrame.toFixed(2)} ms of processor time each`,
    )
    expect(frames).toBeGreaterThan(0)
    expect(perFrame).toBeLessThan(1_000 / 60)
    await waitFor(
      'all decided',
      async () => (await undecidedIn(ask, 'async-rabbitmq')) === undecided,
      PATIENTLY,
    )
  })

  test.each([
    ['in the dark', { colorScheme: 'dark' }],
    ['on a phone', { viewport: { width: 375, height: 740 }, isMobile: true }],
  ] as const)('keep nobody out %s', async (where, options) => {
    for (const tab of ['flow', 'figures', 'brokers']) {
      const { page } = await open(tab, options)
      await page.getByRole('heading', { name: 'RabbitMQ topic exchange' }).first().waitFor()
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow)).toBe(0)
      expect(await accessibilityFindings(page)).toEqual([])
      await picture(page, `${tab}-${where.replaceAll(' ', '-')}`)
    }
  })
})

const FRAMES_OF_4_S = `
  new Promise((resolve) => {
    const begun = performance.now()
    let frames = 0
    const tick = (now) => {
      frames += 1
      if (now - begun < 4_000) requestAnimationFrame(tick)
      else resolve(frames)
    }
    requestAnimationFrame(tick)
  })
`
