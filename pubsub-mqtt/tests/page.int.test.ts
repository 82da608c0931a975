import { randomUUID } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createLog } from '@lab/kit/log.ts'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { buildPage } from '@lab/stack/pages.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import { accessibilityFindings, browserObstacle, type Page, useBrowser } from '@lab/stack/testing/browser.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildApp } from '../page-service/app.ts'
import { Guest, openRestaurant, type Restaurant } from './restaurant.ts'

const PAGE = resolve(import.meta.dirname, '../page')
const SOURCES = [resolve(PAGE, '../mqtt/topics.ts')]
const LIMIT_BYTES = 120_000
/** Long enough to be seen cooking. */
const PREP_MS = 1_200

const obstacle = browserObstacle ?? (await localObstacle('mosquitto'))

test(`the built page is at most ${LIMIT_BYTES / 1_000} kB, gzipped`, async () => {
  const dir = await buildPage(PAGE, { sources: SOURCES })
  const files = globSync('**/*.{html,js,css}', { cwd: dir })
  const bytes = files.map((file) => gzipSync(readFileSync(join(dir, file)), { level: 9 }).length)
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(LIMIT_BYTES)
})

describe.skipIf(obstacle)(`the page ${obstacle ?? ''}`, () => {
  const browser = useBrowser()
  let restaurant: Restaurant
  let url: string

  beforeAll(async () => {
    const kitchen = { PREP_MIN_MS: String(PREP_MS), PREP_MAX_MS: String(PREP_MS) }
    restaurant = await openRestaurant({ serviceEnv: { 'kitchen-service': kitchen } })
    url = restaurant.part.services['page-service']!.url
  })
  afterAll(() => restaurant?.close())

  async function open(options: Parameters<typeof browser.newPage>[0] = {}) {
    const opened = await browser.newPage(options)
    const { page } = opened
    await page.addInitScript(RECORD_TEXTS)
    await page.goto(url)
    await page.getByText('Kitchen open').waitFor()
    /** Also what has passed already: a page that is held up shows it too short for whoever looks now and then. */
    const hasShown = (table: number, food: string, state: string) =>
      expect.poll(() => page.evaluate<string[]>('texts.rows')).toContain(`Table ${table}, ${food}, ${state}`)
    return { ...opened, ...partsOf(page), hasShown }
  }

  test('shows an order cooking, and then ready with the time it took, in every window', async () => {
    const one = await open()
    const other = await open()
    const food = `Pizza ${randomUUID()}`

    await one.order(2, food)

    for (const { hasShown } of [one, other]) await hasShown(2, food, 'cooking')
    for (const { row } of [one, other]) await row(2, food, 'ready in 1.2 s').waitFor()
    expect([one.complaints, other.complaints]).toEqual([[], []])
  })

  test('lets nobody fight over a client id: two windows keep the connections they have', async () => {
    const opened = await Promise.all([browser.newPage(), browser.newPage()])
    const sockets = opened.map(({ page }) => count(page, 'websocket'))
    for (const { page } of opened) await page.goto(url)
    for (const { page } of opened) await page.getByText('Connected').waitFor()

    const food = `Pizza ${randomUUID()}`
    await partsOf(opened[0]!.page).order(1, food)
    for (const { page } of opened) await partsOf(page).row(1, food, 'ready').waitFor()

    expect(sockets.map((socket) => socket.count)).toEqual([1, 1])
  })

  test('shows what a stranger typed as text, of any length and script', async () => {
    const { page, order, row, complaints } = await open()
    const markup = '<img src="/x" onerror="document.title=1"><b>bold</b>'
    const long = 'x'.repeat(100)

    await order(3, markup)
    await order(3, long)

    await row(3, markup, 'ready').waitFor()
    await row(3, long, 'ready').waitFor()
    expect(await page.locator('li img, li b').count()).toBe(0)
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await page.evaluate(overflow)).toBe(0)
    expect(complaints).toEqual([])
  })

  test('shows errors of tables, and of none, in their section', async () => {
    const { page } = await open()
    await using guest = await Guest.sitDown(restaurant.broker.url)

    await guest.connection.publish('restaurant/orders/4', 'no JSON at all')
    await guest.connection.publish('restaurant/orders/nowhere', '{"food":"Soup"}')

    const errors = page.getByRole('region', { name: 'Errors' })
    await errors
      .getByRole('listitem')
      .filter({ hasText: 'Table 4' })
      .getByText('invalid order')
      .first()
      .waitFor()
    await errors
      .getByRole('listitem')
      .filter({ hasText: 'No table' })
      .getByText('invalid order')
      .first()
      .waitFor()
  })

  test('shows the same after a reload in the middle', async () => {
    const { page, order, row, hasShown } = await open()
    const food = `Pizza ${randomUUID()}`
    await order(1, food)
    await hasShown(1, food, 'cooking')

    await page.reload()

    await row(1, food).waitFor()
    await row(1, food, 'ready in 1.2 s').waitFor()
    expect(await row(1, food).count()).toBe(1)
  })

  test('goes from not knowing to knowing, without a wrong word in between', async () => {
    const { page } = await open()
    await page.getByRole('region', { name: 'Table 1' }).getByText('ready in').first().waitFor()

    const { status, table } = (await page.evaluate('globalThis.texts')) as Record<string, string[]>

    expect(status![0]).toBe('Connecting…')
    expect(status!.at(-1)).toBe('Connected Kitchen open')
    expect(status!.slice(1, -1)).toEqual(status!.length === 3 ? ['Connected'] : [])
    const [before, after, ...more] = new Set(table)
    expect(before).toMatch(/…$/)
    expect(after).toContain('ready in')
    expect(more).toEqual([])
  })

  test('is used with the keyboard alone', async () => {
    const { page, row } = await open()
    const food = `Pizza ${randomUUID()}`
    const focused = () =>
      page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent')

    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Food for table 1')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('ORDER for table 1')
    // ORDER first, as one who clicks does: then there is a place to type, and a hint.
    await page.keyboard.press('Enter')
    expect(await focused()).toBe('Food for table 1')
    await page.getByText('Type a food first').waitFor()
    await page.keyboard.type(food)
    await page.keyboard.press('Enter')

    await row(1, food, 'ready').waitFor()
    expect(await focused()).toBe('Food for table 1')
    const outline = 'getComputedStyle(document.activeElement).outlineStyle'
    expect(await page.evaluate(outline)).toBe('solid')
  })

  test('keeps an order while the broker is dead, unless it is taken back, and sends it once', async () => {
    const { page, order, row } = await open()
    const sent = framesOf(page)
    const [food, dropped] = [`Pizza ${randomUUID()}`, `Soup ${randomUUID()}`]
    await restaurant.broker.control!.kill()
    await page.getByText('Offline').waitFor()
    await page.getByText('What you see is from').waitFor()

    await order(2, dropped)
    await order(2, food)
    await row(2, food, 'waiting for the connection').waitFor()
    await page.getByRole('button', { name: `Take back ${dropped}` }).click()
    expect(await accessibilityFindings(page)).toEqual([])
    await page.reload()
    await row(2, food, 'waiting for the connection').waitFor()
    await restaurant.broker.control!.start()

    await page.getByText('Connected').waitFor()
    await row(2, food, 'ready').waitFor()
    // The page may have been back before the kitchen, and then sends again: the same order, which is cooked once.
    const ids = sent
      .filter((frame) => frame.includes(food))
      .map((frame) => frame.match(/"orderId":"(.*?)"/)?.[1])
    expect(new Set(ids).size).toBe(1)
    expect(await row(2, food).count()).toBe(1)
    expect(await row(2, dropped).count()).toBe(0)
  })

  test('works from its sources while somebody works on it', async () => {
    const app = await buildApp({
      service: 'page-service',
      log: createLog('page', 'silent'),
      page: { PAGE_SOURCES: PAGE },
      mqttUrl: restaurant.broker.wsUrl!,
    })
    onTestFinished(() => app.close())
    const { page, complaints } = await browser.newPage()
    await page.goto(await app.listen({ host: '127.0.0.1', port: 0 }))

    await page.getByText('Kitchen open').waitFor()
    await partsOf(page).order(1, 'Pizza of a developer')
    await partsOf(page).row(1, 'Pizza of a developer', 'ready').waitFor()
    expect(complaints).toEqual([])
  })

  test('says that there is no kitchen, and that orders wait; says what was finished unseen', async () => {
    const { page, order, row } = await open()
    const [seen, unseen] = [`Soup ${randomUUID()}`, `Pizza ${randomUUID()}`]
    await order(3, seen)
    await row(3, seen, 'ready').waitFor()
    await restaurant.kitchen.kill()
    await page.getByText('No kitchen: orders wait').waitFor()
    await order(3, unseen)
    await row(3, unseen, 'sent, no answer yet').waitFor()

    await page.goto('about:blank')
    await restaurant.kitchen.start()
    await using guest = await Guest.sitDown(restaurant.broker.url)
    await expect
      .poll(() => guest.states.get(3)?.orders.find(({ food }) => food === unseen)?.status, {
        timeout: 15_000,
      })
      .toBe('ready')
    await page.goto(url)

    await row(3, unseen, 'ready').waitFor()
    await page.getByText('1 order finished while this page was away').waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Dismiss' }).click()
    expect(await page.getByText('while this page was away').count()).toBe(0)
  })

  test.each([
    ['in the light', { colorScheme: 'light' }],
    ['in the dark', { colorScheme: 'dark' }],
    ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true }],
  ] as const)('keeps nobody out %s, whatever it shows', async (_where, options) => {
    const { page, order, hasShown } = await open(options)
    await using guest = await Guest.sitDown(restaurant.broker.url)
    await guest.connection.publish('restaurant/orders/1', 'no JSON')
    await order(1, 'Pizza')
    await hasShown(1, 'Pizza', 'cooking')
    await page.getByRole('button', { name: 'ORDER for table 2' }).click()
    expect(await accessibilityFindings(page)).toEqual([])
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await page.evaluate(overflow)).toBe(0)
  })
})

describe.skipIf(obstacle)(`a broker that asks who comes ${obstacle ?? ''}`, () => {
  const browser = useBrowser()
  let run: RunDir
  let broker: Servers['mosquitto']

  beforeAll(async () => {
    run = await openRunDir()
    const folder = await run.sub('conf')
    const conf = ['allow_anonymous false', 'password_file passwd', 'acl_file acl']
    conf.push('listener 1883', 'listener 8083', 'protocol websockets')
    writeFileSync(join(folder, 'mosquitto.conf'), `${conf.join('\n')}\n`)
    const acl = ['user page', 'topic write restaurant/orders/1', 'topic read restaurant/#']
    writeFileSync(join(folder, 'acl'), `${acl.join('\n')}\n`)
    const options = { config: join(folder, 'mosquitto.conf'), files: { acl_file: join(folder, 'acl') } }
    broker = await startServer('mosquitto', localContext(run), { ...options, users: { page: 'p@ge' } })
  })
  afterAll(() => run?.close())

  /** The page with this password in its broker's address. */
  async function open(password: string) {
    const dir = await buildPage(PAGE, { sources: SOURCES })
    const mqttUrl = Object.assign(new URL(broker.wsUrl!), { username: 'page', password }).href
    const app = await buildApp({
      service: 'page-service',
      log: createLog('page', 'silent'),
      page: { PAGE_DIR: dir },
      mqttUrl,
    })
    onTestFinished(() => app.close())
    const { page } = await browser.newPage()
    await page.goto(await app.listen({ host: '127.0.0.1', port: 0 }))
    return { page, ...partsOf(page) }
  }

  test('is not one that does not answer', async () => {
    const { page } = await open('wrong')
    await page.getByText('Offline: the broker refuses the user name or password').waitFor()
  })

  test('lets the page in, and refuses an order where everybody can see it', async () => {
    const { page, order, row } = await open('p@ge')
    await page.getByText('Connected', { exact: true }).waitFor()
    await order(1, 'Pizza')
    await row(1, 'Pizza', 'sent').waitFor()

    await order(2, 'Soup')

    const errors = page.getByRole('region', { name: 'Errors' }).getByRole('listitem')
    await errors.filter({ hasText: 'Table 2' }).getByText('the broker takes no orders').waitFor()
    expect(await row(2, 'Soup').count()).toBe(0)
  })
})

/** What a person sees and does. */
function partsOf(page: Page) {
  const table = (number: number) => page.getByRole('region', { name: `Table ${number}` })
  return {
    order: async (number: number, food: string) => {
      await page.getByLabel(`Food for table ${number}`, { exact: true }).fill(food)
      await page.getByRole('button', { name: `ORDER for table ${number}` }).click()
    },
    row: (number: number, food: string, state = '') =>
      table(number)
        .getByRole('listitem')
        .filter({ has: page.getByText(food, { exact: true }) })
        .filter({ hasText: state }),
  }
}

function count(page: Page, event: 'websocket') {
  const counted = { count: 0 }
  page.on(event, () => {
    counted.count += 1
  })
  return counted
}

/** Everything that is sent over WebSockets from now on. */
function framesOf(page: Page): string[] {
  const frames: string[] = []
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => frames.push(payload.toString())))
  return frames
}

/** Every text of the status, of the first table and of each row, from the page's first moment. */
const RECORD_TEXTS = `
  globalThis.texts = { status: [], table: [], rows: [] }
  const note = () => {
    for (const name of ['status', 'table']) {
      const text = document.querySelector('.' + name)?.innerText.replaceAll(/\\s+/g, ' ').trim()
      if (text !== undefined && text !== texts[name].at(-1)) texts[name].push(text)
    }
    for (const row of document.querySelectorAll('.table li')) {
      const parts = [row.closest('.table').querySelector('h2'), ...row.querySelectorAll('.food, .state')]
      const text = parts.map(({ textContent }) => textContent.trim()).join(', ')
      if (!texts.rows.includes(text)) texts.rows.push(text)
    }
  }
  new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true })
`
