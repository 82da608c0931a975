import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { openRunDir } from '../run-dir.ts'
import { canInstall } from '../servers/pieces.ts'
import { findChromium, requireChromium } from './chromium.ts'

export type { Page } from 'playwright-core'

/** Why no browser can be had here; undefined when one can. Title of a visible skip. */
export const browserObstacle: string | undefined =
  findChromium(process.env) || canInstall() ? undefined : 'Chromium is not installed'

export interface TestBrowser {
  /** A window that shares nothing with any other; it closes when the test ends. */
  newPage(options?: BrowserContextOptions): Promise<WatchedPage>
}

export interface WatchedPage {
  page: Page
  /** Errors in the page's console, uncaught exceptions and what the content security policy refused, so far. */
  complaints: string[]
}

/** A Chromium for all tests of the file or `describe` that calls this. */
export function useBrowser(): TestBrowser {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  return {
    async newPage(options = {}) {
      const context = await browser!.newContext(options)
      const page = await context.newPage()
      const complaints: string[] = []
      onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail') console.error(`${task.name}:`, await shown(page), complaints)
        await context.close()
      })
      page.on('pageerror', (err) => complaints.push(String(err)))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      return { page, complaints }
    },
  }
}

/** What a failed test had in front of it. */
const shown = (page: Page): Promise<string> =>
  page.evaluate<string>("location + ' ' + document.body.innerText").catch(String)

async function launch(): Promise<Browser> {
  const executablePath = findChromium(process.env) ?? (await install())
  return chromium.launch({
    executablePath,
    // The tests run as root, in containers too, where Chromium's own sandbox and a large /dev/shm are not to be had.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
    // Ctrl-C is the test runner's.
    handleSIGINT: false,
    handleSIGTERM: false,
  })
}

async function install(): Promise<string> {
  const run = await openRunDir()
  try {
    return await requireChromium({ run, env: process.env, progress: console.error })
  } finally {
    await run.close()
  }
}

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[]
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds wrong with the page as it is now, one line each: empty is what a test expects. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the page's content security policy does not concern.
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')} (${node.failureSummary ?? ''})`),
  )
}
