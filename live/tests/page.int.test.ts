import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { accessibilityFindings, browserObstacle, type Page, useBrowser } from '@lab/stack/testing/browser.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Up, up } from './up.ts'

/** Kept with the run, as a person may want to see them. */
const PICTURES = resolve(import.meta.dirname, '../../results/live-page')
const INVENTORY = 'sync-rest/inventory-service'

describe.skipIf(browserObstacle)(`the live page over what \`up\` runs ${browserObstacle ?? ''}`, () => {
  const browser = useBrowser()
  let lab: Up

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true })
    lab = await up(['sync-rest'])
  })
  afterAll(() => lab?.close())

  async function open(tab: string) {
    const opened = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await opened.page.goto(`${lab.url}/#/${tab}`)
    await opened.page.getByText('Live', { exact: true }).waitFor()
    return opened
  }

  test('asks what will happen, kills a service, and says what did: orders are refused until it is back', async () => {
    const { page, complaints } = await open('switches')
    const row = page.getByRole('listitem').filter({ hasText: 'inventory-service' })
    await row.getByText('running').waitFor()
    const pid = await row.getByText(/^pid \d+$/).textContent()

    await page.getByRole('button', { name: 'Kill inventory-service of sync-rest' }).click()
    const question = page.getByRole('dialog')
    expect(await accessibilityFindings(page)).toEqual([])
    await question.getByLabel('Orders are refused').check()
    await question.getByLabel('after seconds').fill('3')
    await question.getByRole('button', { name: 'Kill and see' }).click()

    const outcome = page.getByRole('article').first()
    await outcome.getByText('✓ as you said').waitFor({ timeout: 90_000 })
    await outcome.getByText(/after it was put back, all was as before/).waitFor()
    await picture(page, 'switches')
    await row.getByText('running').waitFor()
    expect(await row.getByText(/^pid \d+$/).textContent()).not.toBe(pid)
    expect(await accessibilityFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('shows what the command line kills and starts, and starts from the page what it killed', async () => {
    const { page } = await open('switches')
    const row = page.getByRole('listitem').filter({ hasText: 'inventory-service' })
    await row.getByText('running').waitFor()

    expect(await lab.run('kill', INVENTORY)).toContain(`${INVENTORY} is killed`)
    await row.getByText('killed').waitFor()

    await page.getByRole('button', { name: 'Start inventory-service of sync-rest' }).click()
    await row.getByText('running').waitFor({ timeout: 60_000 })
    expect(JSON.parse(await lab.run('ps', '--json'))[0].units).toContainEqual(
      expect.objectContaining({ name: INVENTORY, state: 'running' }),
    )
  })

  test('runs an experiment, and shows what was expected beside what was found, its charts and its report', async () => {
    const { page, complaints } = await open('experiments')
    await page.getByLabel('Experiment', { exact: true }).selectOption('rest-delay')
    await page.getByLabel('What do you expect?').fill('<b>the median rises by the delay</b>')
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.getByRole('heading', { name: 'rest-delay: under way' }).waitFor()

    await page.getByRole('heading', { name: 'rest-delay: over, exit code 0' }).waitFor({ timeout: 120_000 })
    await page.getByText('You expected: <b>the median rises by the delay</b>').waitFor()
    const found = page.getByRole('region', { name: /^Run \d{4}-/ })
    await found.getByText('rest-delay holds').waitFor()
    await picture(page, 'experiments')
    expect(await accessibilityFindings(page)).toEqual([])

    const report = await found.getByRole('link', { name: 'open its report' }).getAttribute('href')
    const answer = await fetch(`${lab.url}${report}`)
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    expect(await answer.text()).toContain('rest-delay')
    expect(complaints).toEqual([])
  })

  test('says that its server is away, and goes on by itself when it is back', async () => {
    const { page } = await open('switches')

    await lab.run('kill', 'live/server')
    await page.getByText(/Connection lost/).waitFor()
    await picture(page, 'server-away')

    await lab.run('start', 'live/server')
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 30_000 })
    await page.getByRole('listitem').filter({ hasText: 'inventory-service' }).getByText('running').waitFor()
  })

  test('is for nobody else: a foreign origin and a foreign name read nothing and change nothing', async () => {
    const body = JSON.stringify({ part: 'sync-rest', name: 'inventory-service', action: 'fail' })
    const json = { 'content-type': 'application/json' }
    const statusOf = async (path: string, init: RequestInit) =>
      (await fetch(`${lab.url}${path}`, init)).status

    expect(await statusOf('/api/parts', { headers: { origin: 'http://evil.example' } })).toBe(403)
    const foreign = { ...json, origin: 'http://evil.example' }
    expect(await statusOf('/admin/switches', { method: 'POST', headers: foreign, body })).toBe(403)
    const proxied = { ...json, 'x-forwarded-for': '10.0.0.1' }
    expect(await statusOf('/admin/switches', { method: 'POST', headers: proxied, body })).toBe(403)
    expect(await statusOf('/api/parts', {})).toBe(200)
  })

  test('is whole on a phone, in the dark, and without any view that axe finds fault with', async () => {
    const phone = {
      viewport: { width: 375, height: 740 },
      colorScheme: 'dark' as const,
      reducedMotion: 'reduce' as const,
    }
    const { page, complaints } = await browser.newPage(phone)
    await page.goto(lab.url)
    for (const link of await page.getByRole('navigation').getByRole('link').all()) {
      await link.click()
      await page.locator('main[aria-busy=false]').waitFor()
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow)).toBe(0)
      expect(await accessibilityFindings(page)).toEqual([])
    }
    await page.getByRole('link', { name: 'Switches' }).press('Enter')
    await page.getByText('inventory-service').first().waitFor()
    await picture(page, 'phone')
    expect(complaints).toEqual([])
  })
})

const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
