import { randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { buildPage } from '@lab/stack/pages.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import { accessibilityFindings, browserObstacle, type Page, useBrowser } from '@lab/stack/testing/browser.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { part as spec } from '../part.ts'
import { Api, openPlatform, type Platform, WAY } from './platform.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const LIMIT_BYTES = 90_000
const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

const obstacle = browserObstacle ?? (await localObstacle('redis'))
const named = (kind = 'Pizza') => `${kind} ${randomUUID().slice(0, 8)}`

test(`the built page is at most ${LIMIT_BYTES / 1_000} kB, gzipped`, async () => {
  const { folder, sources = [] } = spec.services.find(({ page }) => page)!.page!
  const dir = await buildPage(join(ROOT, folder), { sources: sources.map((one) => join(ROOT, one)) })
  const files = globSync('**/*.{html,js,css}', { cwd: dir })
  const bytes = files.map((file) => gzipSync(readFileSync(join(dir, file)), { level: 9 }).length)
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(LIMIT_BYTES)
})

describe.skipIf(obstacle)(`the page ${obstacle ?? ''}`, () => {
  const browser = useBrowser()
  let platform: Platform
  let api: Api
  let url: string

  beforeAll(async () => {
    platform = await openPlatform({}, { hasPage: true })
    api = new Api(platform.url)
    url = platform.part.services['page-service']!.url
  })
  afterAll(() => platform?.close())

  type Opened = Awaited<ReturnType<typeof open>>
  async function open(role: string, options: Parameters<typeof browser.newPage>[0] = {}) {
    const opened = await browser.newPage(options)
    await opened.page.goto(`${url}/?role=${role}`)
    await opened.page.getByText('Live', { exact: true }).waitFor()
    return { ...opened, ...partsOf(opened.page) }
  }

  test('takes a pizza from its supplier to its customer, seen in four windows at once', async () => {
    const pizza = named()
    const roles = ['supplier', 'customer', 'dispatch', 'dashboard'] as const
    const windows = await Promise.all(roles.map((role) => open(role)))
    const [supplier, customer, dispatch, dashboard] = windows as [Opened, Opened, Opened, Opened]
    const { delivered } = (await api.get('/api/state')).body.statistics

    await supplier.field('Supplier').fill('Pizza Palace')
    await supplier.field('Pizza').fill(pizza)
    await supplier.field('Base price').fill('10.05')
    await supplier.button('Create order').click()
    await supplier.card('To answer', pizza).getByText('13.07').waitFor()
    await supplier.card('To answer', pizza).getByLabel('Notes').fill('Fresh ingredients')
    await supplier.card('To answer', pizza).getByLabel('Minutes').fill('30')
    await supplier.card('To answer', pizza).getByRole('button', { name: 'Accept' }).click()

    const offered = customer.card('On offer', pizza)
    for (const text of ['10.05', '+ 3.02', '13.07', '30 min', 'Fresh ingredients'])
      await offered.getByText(text, { exact: true }).waitFor()
    await offered.getByLabel('Your name').fill('John Doe')
    await offered.getByLabel('Address').fill('123 Main St')
    await offered.getByRole('button', { name: 'Order' }).click()

    const baked = supplier.card('In the kitchen', pizza)
    await baked.getByText('123 Main St').waitFor()
    await baked.getByRole('button', { name: 'Start preparing' }).click()
    await customer.card('Ordered', pizza).getByText('Preparing').waitFor()
    await baked.getByRole('button', { name: 'Mark ready' }).click()

    const ready = dispatch.card('Ready for pickup', pizza)
    await ready.getByLabel('Driver').fill('Mike Driver')
    await ready.getByLabel('Phone').fill('555-0123')
    await ready.getByRole('button', { name: 'Dispatch' }).click()

    const followed = (progress: number) =>
      customer.card(progress < 100 ? 'Ordered' : 'Delivered', pizza).locator(`[aria-valuenow="${progress}"]`)
    await followed(33).waitFor()
    await customer.card('Ordered', pizza).getByText('555-0123').waitFor()
    await customer.card('Ordered', pizza).getByText('Arrives about').waitFor()
    await dispatch.card('On the road', pizza).getByRole('button', { name: 'Mark in transit' }).click()
    await followed(66).waitFor()
    await dispatch.card('On the road', pizza).getByRole('button', { name: 'Mark delivered' }).click()
    await followed(100).waitFor()
    await supplier.card('Out of the house', pizza).getByText('Delivered').waitFor()

    const steps = dashboard.section('Happening now').getByRole('listitem').filter({ hasText: pizza })
    await expect.poll(() => steps.count()).toBe(WAY.length + 1)
    const bar = dashboard.section('By status').locator('div', { hasText: 'Delivered' })
    await bar.getByText(String(delivered + 1), { exact: true }).waitFor()
    for (const { complaints } of windows) expect(complaints).toEqual([])
  })

  test('goes from not knowing to knowing, without a wrong word in between, and so after a reload', async () => {
    const pizza = named()
    await api.orderAt('preparing', { pizza_name: pizza })
    const { page } = await browser.newPage()
    await page.addInitScript(RECORD_TEXTS)
    const sockets = { count: 0 }
    page.on('websocket', () => {
      sockets.count += 1
    })
    for (const go of [() => page.goto(`${url}/?role=supplier`), () => page.reload()]) {
      await go()
      await partsOf(page).card('In the kitchen', pizza).getByText('Preparing').waitFor()
      const { connection, kitchen } = (await page.evaluate('globalThis.texts')) as Record<string, string[]>
      expect(connection!.at(-1)).toBe('Live')
      expect(connection!.filter((text) => !['Connecting…', 'Catching up…', 'Live'].includes(text))).toEqual(
        [],
      )
      expect(kitchen!.filter((text) => !text.includes('Not known yet…') && !text.includes(pizza))).toEqual([])
      expect(await page.getByText('while this window was away').count()).toBe(0)
    }
    expect(sockets.count).toBe(2)
  })

  test('says that it is cut off, and how much it had to catch up', async () => {
    const pizza = named()
    const { id } = await api.orderAt('ready', { pizza_name: pizza })
    const other = await platform.part.twin!('platform-service')
    await other.start()
    const { page, card } = await open('dispatch')
    const asked: string[] = []
    page.on('websocket', (socket) => asked.push(socket.url()))
    await platform.service.kill()
    await page.getByText('Offline', { exact: true }).waitFor()
    await page.getByText(/^What you see is from .* and may be old\.$/).waitFor()
    await page.getByText(/^next try in \d+ s$|^trying…$/).waitFor()
    expect(await accessibilityFindings(page)).toEqual([])

    const meanwhile = new Api(other.url)
    for (const [, what] of WAY.slice(4)) await meanwhile.step(id, what)
    await other.kill()
    await platform.service.start()

    await page.getByText('Caught up: 3 events happened while this window was away.').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await card('Delivered', pizza).waitFor()
    for (const from of asked) expect(from).toMatch(/last_seq=[1-9]\d*&epoch=./)
    expect(await page.getByText('may be old').count()).toBe(0)
    expect(await accessibilityFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Dismiss' }).click()
    expect(await page.getByText('Caught up').count()).toBe(0)
  })

  test('notices a wire that is dead without a word, and catches up on another one', async () => {
    const pizza = named()
    const { id } = await api.orderAt('ready', { pizza_name: pizza })
    const proxy = await openTcpProxy({ upstream: { host: '127.0.0.1', port: platform.service.port } })
    onTestFinished(() => proxy.close())
    const { page } = await browser.newPage({ bypassCSP: true })
    const apiUrl = `http://127.0.0.1:${proxy.port}`
    await page.route('**/config.json', (route) => route.fulfill({ json: { apiUrl } }))
    await page.clock.install()
    await page.goto(`${url}/?role=dispatch`)
    await page.getByText('Live', { exact: true }).waitFor()

    proxy.freeze('both')
    await api.step(id, WAY[4]![1])
    await page.clock.fastForward(10_000)
    await page.getByText('Offline', { exact: true }).waitFor()
    await proxy.heal()

    await page.getByText('Caught up: 1 event happened while this window was away.').waitFor()
    await partsOf(page).card('On the road', pizza).waitFor()
  })

  test('says that the platform has lost Redis, undoes a click meanwhile, and is whole again', async () => {
    const pizza = named()
    await api.orderAt('customer_accepted', { pizza_name: pizza })
    const { page, card } = await open('supplier')
    await platform.redis.control!.kill()
    await page.getByText('The platform has lost Redis').waitFor()
    await page.getByText(/may be old/).waitFor()

    await card('In the kitchen', pizza).getByRole('button', { name: 'Start preparing' }).click()
    await page.getByRole('alert').getByText(pizza).waitFor()
    await card('In the kitchen', pizza).getByText('Ordered').waitFor()

    await platform.redis.control!.start()
    await page.getByText('Live', { exact: true }).waitFor()
    await card('In the kitchen', pizza).getByRole('button', { name: 'Start preparing' }).click()
    await expect
      .poll(
        async () =>
          (await api.get('/api/orders')).body.find(
            ({ pizza_name }: { pizza_name: string }) => pizza_name === pizza,
          )?.status,
      )
      .toBe('preparing')
  })

  test('shows a click at once, and undoes one that loses with the reason of the platform', async () => {
    const pizza = named()
    const { id } = await api.create({ pizza_name: pizza })
    const { page, card } = await open('supplier')
    const held = Promise.withResolvers<void>()
    await page.route('**/supplier-respond', async (route) => {
      await held.promise
      await route.continue()
    })

    await card('To answer', pizza).getByRole('button', { name: 'Accept' }).click()
    await card('On offer', pizza).waitFor()
    expect((await api.get(`/api/orders/${id}`)).body.status).toBe('pending_supplier')
    await api.step(id, 'status?status=cancelled')
    await expect.poll(() => card('On offer', pizza).count()).toBe(0)
    held.resolve()

    const alert = page.getByRole('alert')
    const refused = await api.step(id, 'supplier-respond?accept=true')
    await alert.getByText(`${pizza}: ${refused.body.detail}`).waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await alert.getByRole('button', { name: 'Dismiss' }).click()
    expect(await alert.getByRole('listitem').count()).toBe(0)
  })

  test('makes one order of one that is sent again because nobody answered', async () => {
    const pizza = named()
    const { page, field, button, card } = await open('supplier')
    let tries = 0
    await page.route('**/api/orders', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback()
      tries += 1
      if (tries > 1) return route.continue()
      await route.fetch()
      await route.abort()
    })
    await field('Supplier').fill('Pizza Palace')
    await field('Pizza').fill(pizza)
    await button('Create order').click()

    await page.getByText(`Created: ${pizza}`).waitFor()
    expect(tries).toBe(2)
    await card('To answer', pizza).first().waitFor()
    const { body } = await api.get('/api/orders')
    expect(body.filter(({ pizza_name }: { pizza_name: string }) => pizza_name === pizza)).toHaveLength(1)
  })

  test('finds orders by status and text, page by page, and tells what happened to one', async () => {
    const batch = named('Batch')
    for (let n = 0; n < 11; n++) await api.create({ pizza_name: `${batch} ${n}` })
    const { id } = await api.orderAt('ready', { pizza_name: `${batch} ready` })
    const { page } = await open('orders')
    const rows = page.getByRole('row').filter({ hasText: batch })

    await page.getByLabel('Search').fill(batch)
    await page.getByRole('heading', { name: '12 orders' }).waitFor()
    expect(await rows.count()).toBe(10)
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByText('Page 2 of 2').waitFor()
    expect(await rows.count()).toBe(2)
    await page.getByLabel('Status').selectOption('ready')
    await page.getByRole('heading', { name: '1 order', exact: true }).waitFor()

    await page.getByRole('button', { name: `${batch} ready`, exact: true }).click()
    await page.getByText('order.customer_accepted').waitFor()
    const { tracking_id } = (await api.get(`/api/orders/${id}/tracking`)).body
    await page.getByText(tracking_id, { exact: true }).waitFor()
    await page.getByRole('button', { name: `Cancel ${batch} ready` }).click()
    await page.getByRole('button', { name: `Really cancel ${batch} ready` }).click()
    await page.getByText('No order is like that.').waitFor()
    await expect.poll(async () => (await api.get(`/api/orders/${id}`)).body.status).toBe('cancelled')
  })

  test('is used with the keyboard alone', async () => {
    const pizza = named()
    const { page, complaints } = await browser.newPage()
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    const { card } = partsOf(page)
    const focused = () => page.evaluate('document.activeElement.name || document.activeElement.textContent')
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }

    await press('Tab')
    expect(await focused()).toBe('Supplier')
    await press('ArrowLeft', 'ArrowRight', 'Tab')
    expect(await focused()).toBe('supplier_name')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.type('Pizza Palace')
    await press('Tab')
    await page.keyboard.type(pizza)
    await press('Enter')
    await page.getByText(`Created: ${pizza}`).waitFor()
    expect(await focused()).toBe('pizza_name')

    // Base price, markup, create; then the newest card: notes, minutes, accept.
    await card('To answer', pizza).waitFor()
    await press('Tab', 'Tab', 'Tab', 'Tab')
    expect(await focused()).toBe('notes')
    await press('Tab', 'Tab', 'Enter')
    await card('On offer', pizza).waitFor()
    expect(await focused()).toContain('To answer')
    expect(complaints).toEqual([])
  })

  test('keeps nobody out: in the light, in the dark, on a phone, whatever strangers typed', async () => {
    const markup = `<img src="/x" onerror="document.title=1"><b>${named('bold')}</b>`
    const long = `${named('x')}${'x'.repeat(80)}`
    for (const status of [
      'pending_supplier',
      'supplier_accepted',
      'preparing',
      'ready',
      'in_transit',
    ] as const)
      for (const pizza_name of [markup, long])
        await api.orderAt(status, { pizza_name, supplier_name: 'مطعم' })
    const { page, complaints } = await open('all')
    for (const tab of ['Supplier', 'Customer', 'Dispatch', 'Orders', 'Dashboard']) {
      await page.getByRole('tab', { name: tab }).click()
      await page.getByRole('heading', { level: 1, name: tab }).waitFor()
      if (tab === 'Dashboard') await page.getByText(/^As of/).waitFor()
      else await page.getByText(markup, { exact: true }).first().waitFor()
      expect(await page.locator('main img, main b').count()).toBe(0)
      for (const [colorScheme, width] of [
        ['light', 1_280],
        ['dark', 360],
      ] as const) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 740 })
        expect(await accessibilityFindings(page)).toEqual([])
        expect(await page.evaluate(OVERFLOW)).toBe(0)
      }
    }
    expect(complaints).toEqual([])
  })
})

/** What a person sees and does. */
function partsOf(page: Page) {
  const section = (title: string) =>
    page.getByRole('region').filter({ has: page.getByRole('heading', { level: 2, name: title }) })
  return {
    section,
    field: (label: string) =>
      page.getByRole('form', { name: 'New pizza' }).getByLabel(label, { exact: true }),
    button: (name: string) => page.getByRole('button', { name, exact: true }),
    card: (title: string, pizza: string) =>
      section(title)
        .getByRole('listitem')
        .filter({ has: page.getByRole('heading', { name: pizza, exact: true }) }),
  }
}

/** Every text of the connection and of the kitchen, from the page's first moment. */
const RECORD_TEXTS = `
  globalThis.texts = { connection: [], kitchen: [] }
  const note = () => {
    const seen = {
      connection: document.querySelector('.light'),
      kitchen: [...document.querySelectorAll('section')].find((one) => one.innerText.startsWith('In the kitchen')),
    }
    for (const [name, element] of Object.entries(seen)) {
      const text = element?.innerText.replaceAll(/\\s+/g, ' ').trim()
      if (text !== undefined && text !== texts[name].at(-1)) texts[name].push(text)
    }
  }
  new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true })
`
