import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { temporaryFolder } from '@lab/stack/temporary-folder.ts'
import { accessibilityFindings, browserObstacle, type Page, useBrowser } from '@lab/stack/testing/browser.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { livePage } from '../../parts.ts'
import { type DeskPart, event, NOT_SOLD, openPart, type PartWithLetters } from './letters.ts'

/** Kept with the run, as a person may want to see them. */
const PICTURES = resolve(import.meta.dirname, '../../results/live-page')
const PARTS: DeskPart[] = ['async-rabbitmq', 'streaming-kafka']
const HEARD_MS = 60_000

describe.skipIf(browserObstacle)(`the dead letters on the live page ${browserObstacle ?? ''}`, () => {
  const browser = useBrowser()
  const folder = mkdtempSync(join(temporaryFolder().path, 'lab-desk-test-'))
  let running: Record<DeskPart, PartWithLetters>
  let live: RunningPart
  let url: string

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true })
    const [rabbit, kafka] = await Promise.all(PARTS.map(openPart))
    running = { 'async-rabbitmq': rabbit!, 'streaming-kafka': kafka! }
    live = await startPart(livePage, {
      run: joinRunDir(),
      env: { LIVE_PARTS: JSON.stringify([rabbit!.seen, kafka!.seen]), DESK_DIR: folder },
    })
    url = Object.values(live.services)[0]!.url
  })
  afterAll(async () => {
    await live?.close()
    await Promise.all(Object.values(running ?? {}).map((part) => part.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(options: Parameters<typeof browser.newPage>[0] = {}) {
    const opened = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
    await opened.page.goto(`${url}/#dead-letters`)
    await opened.page.getByRole('heading', { name: 'Dead letters' }).waitFor()
    return opened
  }
  const letter = (page: Page, order: string) => page.getByRole('button', { name: order })
  /** The newest redrive, once it says this. */
  const outcome = (page: Page, words: string | RegExp) =>
    page
      .getByRole('region', { name: /^Redrive of/ })
      .first()
      .getByRole('status')
      .getByText(words)
      .waitFor({ timeout: HEARD_MS })
  const lookUntil = (page: Page, order: string) =>
    waitFor(
      `the letter of ${order}`,
      async () => {
        if (await letter(page, order).isVisible()) return true
        await page.getByRole('button', { name: /^(Look again|Show \d+ more)$/ }).click()
        return false
      },
      { timeoutMs: HEARD_MS, everyMs: 500 },
    )
  const picture = (page: Page, name: string) =>
    page.screenshot({ path: join(PICTURES, `desk-${name}.png`), fullPage: true })

  test.each(PARTS)('brings a poisoned order of %s back: edited, sent, reserved, once', async (part) => {
    const order = await running[part].poison()
    const before = (await running[part].stock()).burger!
    const { page, complaints } = await open()
    await lookUntil(page, order)

    // By keyboard alone.
    await letter(page, order).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Edit' }).focus()
    await page.keyboard.press('Enter')
    const body = page.getByLabel('New body of the message')
    await page.getByText(/^The schema refuses it: data.item/).waitFor()
    expect(await page.getByRole('button', { name: 'Send it in place' }).isEnabled()).toBe(false)
    await body.fill((await body.inputValue()).replace(NOT_SOLD, 'burger'))
    await page.getByText('The schema takes it').waitFor()
    await picture(page, `edit-${part}`)
    expect(await page.getByRole('list', { name: 'Differences' }).innerText()).toMatch(/sushi.*burger/s)
    expect(await accessibilityFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Send it in place' }).click()

    await outcome(page, 'done: 1 effected')
    await letter(page, order).waitFor({ state: 'detached' })
    expect((await running[part].stock()).burger).toBe(before - 1)
    expect(complaints).toEqual([])
  })

  test('stops a redrive when one dies again, and keeps the others', async () => {
    const orders = [await running['streaming-kafka'].poison(), await running['streaming-kafka'].poison()]
    const { page } = await open()
    for (const order of orders) await lookUntil(page, order)

    await page.getByRole('checkbox', { name: /schema: data.item/ }).check()
    await page.getByLabel('Send').selectOption('unchanged')
    await page.getByRole('button', { name: /^Redrive \d+$/ }).click()

    await outcome(page, /It stopped: 1 of batch 1 died again/)
    await picture(page, 'stopped')
    await page.getByText('held back').first().waitFor()
  })

  test('leaves out what dies after the selection was made', async () => {
    const part = running['async-rabbitmq']
    const [first, second, late] = [event(), event(), event()]
    for (const one of [first, second]) await part.bury(one, 'gave up: away')
    const { page } = await open()
    for (const { subject } of [first, second]) await lookUntil(page, subject)
    await page.getByRole('checkbox', { name: /gave up: away/ }).check()
    await part.bury(late, 'gave up: away')
    await page.getByRole('button', { name: 'Show 1 more' }).waitFor({ timeout: HEARD_MS })

    await page.getByRole('button', { name: 'Redrive 2' }).click()

    await outcome(page, 'done: 2 effected')
    await letter(page, late.subject).waitFor()
    expect(await letter(page, first.subject).count()).toBe(0)
  })

  test('shows what strangers wrote as text, on a phone and in the dark, to everybody', async () => {
    const markup = '<img src="/x" onerror="document.title=1"><b>bold</b>'
    await running['async-rabbitmq'].bury(event(), `${markup} ${'x'.repeat(300)}`)
    const phone = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    const group = phone.page.getByRole('region', { name: markup })
    await group.waitFor()
    await group.getByRole('button').first().click()
    await phone.page.getByText('lies in').waitFor()

    expect(await phone.page.locator('main b').count()).toBe(0)
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await phone.page.evaluate(overflow)).toBe(0)
    expect(await accessibilityFindings(phone.page)).toEqual([])
    await picture(phone.page, 'phone-dark')
    expect(phone.complaints).toEqual([])
  })

  test('discards with a reason, which the audit trail keeps', async () => {
    const { subject } = event()
    await running['async-rabbitmq'].bury({ ...event(), subject }, 'to be discarded')
    const { page } = await open()
    await lookUntil(page, subject)

    await page.getByRole('checkbox', { name: /to be discarded/ }).check()
    await page.getByLabel('or discard, because').fill('nobody waits for it')
    await page.getByRole('button', { name: 'Discard 1' }).click()

    await letter(page, subject).waitFor({ state: 'detached' })
    await page.getByText('Audit trail', { exact: true }).click()
    await page.getByRole('cell', { name: 'nobody waits for it' }).waitFor()
    await picture(page, 'audit')
  })

  test('gives no command to a page of another origin', async () => {
    const response = await fetch(`${url}/admin/desk/discards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://evil.example' },
      body: JSON.stringify({ letters: ['x'], why: 'because' }),
    })
    expect(response.status).toBe(403)
  })
})
