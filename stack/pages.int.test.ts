import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type RoutePlugin } from '@lab/kit/http.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { pageRoutes } from '@lab/kit/page.ts'
import { pageInDevelopment } from '@lab/kit/page-dev.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildPage } from './pages.ts'
import { accessibilityFindings, browserObstacle, useBrowser } from './testing/browser.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/page')
const NODE_MODULES = resolve(import.meta.dirname, '../node_modules')

/** The page's sources, to be changed, and an empty place for its builds. */
function copyOfPage() {
  const base = mkdtempSync(join(tmpdir(), 'lab-pages-test-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  const folder = join(base, 'page')
  cpSync(FIXTURE, folder, { recursive: true })
  symlinkSync(NODE_MODULES, join(folder, 'node_modules'))
  const said: string[] = []
  const cache = join(base, 'cache')
  const options = { cache, env: { PATH: process.env.PATH }, progress: (text: string) => void said.push(text) }
  return { folder, cache, said, build: (more = {}) => buildPage(folder, { ...options, ...more }) }
}

async function serve(routes: RoutePlugin) {
  const deps = {
    part: 'a-part',
    service: 'page',
    description: 'A page',
    faults: new Faults(),
    hasPage: true,
    metrics: createMetrics('page'),
  }
  const app = await createHttpApp({ ...deps, log: createLog('page', 'silent') })
  onTestFinished(() => app.close())
  await app.register(routes)
  return app.listen({ host: '127.0.0.1', port: 0 })
}

describe('a build of a page', () => {
  test('happens once for the same sources, and again for others', async () => {
    const { folder, said, build } = copyOfPage()
    const first = await build()
    expect(await build()).toBe(first)
    expect(said).toHaveLength(1)

    writeFileSync(join(folder, 'main.test.ts'), 'a test is no source')
    expect(await build()).toBe(first)
    writeFileSync(join(folder, 'style.css'), 'body { color: navy }')
    const second = await build()
    expect(second).not.toBe(first)
    expect(said).toHaveLength(2)
    // Who serves the first goes on serving it.
    expect(readdirSync(first)).toContain('index.html')
  })

  test('is another for other sources outside the folder, and for other variables that Vite reads', async () => {
    const { folder, build } = copyOfPage()
    const shared = join(folder, '../shared.ts')
    writeFileSync(shared, 'export const one = 1')
    const builds = [
      await build({ sources: [shared] }),
      await build({ sources: [shared], env: { PATH: process.env.PATH, VITE_X: '1' } }),
    ]
    writeFileSync(shared, 'export const one = 2')
    builds.push(await build({ sources: [shared] }))
    expect(new Set(builds).size).toBe(3)
  })

  test('is one and whole when two builders meet', async () => {
    const { cache, build } = copyOfPage()
    const [one, other] = await Promise.all([build(), build()])
    expect(one).toBe(other)
    expect(readdirSync(cache)).toHaveLength(1)
    expect(readdirSync(one)).toEqual(['assets', 'index.html', 'index.html.br', 'index.html.gz'])
  })

  test('names hashed files, holds compressed ones, and leaves the sources as they were', async () => {
    const { folder, build } = copyOfPage()
    const before = readdirSync(folder)
    const dir = await build()
    expect(readdirSync(folder)).toEqual(before)
    const assets = readdirSync(join(dir, 'assets'))
    expect(assets).toContainEqual(expect.stringMatching(/^index-[\w-]{8}\.css$/))
    const script = assets.find((name) => name.endsWith('.js'))!
    for (const compressed of [`${script}.br`, `${script}.gz`]) {
      expect(statSync(join(dir, 'assets', compressed)).size).toBeLessThan(
        statSync(join(dir, 'assets', script)).size,
      )
    }
  })

  test('that fails says why, and leaves nothing', async () => {
    const { folder, cache, build } = copyOfPage()
    writeFileSync(join(folder, 'main.js'), "import { nothing } from './not-there.js'")
    await expect(build()).rejects.toThrow(/the page in .*page cannot be built: .*not-there\.js/s)
    expect(readdirSync(cache)).toEqual([])
  })

  test('is removed when it is old and its sources have changed', async () => {
    const { folder, cache, build } = copyOfPage()
    const old = await build()
    utimesSync(old, 0, 0)
    writeFileSync(join(folder, 'style.css'), 'body { color: navy }')
    const young = await build()
    expect(readdirSync(cache)).toEqual([young.split('/').at(-1)])
  })
})

describe.skipIf(browserObstacle)(`a page in a browser ${browserObstacle ?? ''}`, () => {
  const browser = useBrowser()

  test('runs under its own policy, and knows its configuration', async () => {
    const dir = await buildPage(FIXTURE)
    const url = await serve(pageRoutes({ dir, config: () => ({ greeting: 'hello' }) }))
    const { page, complaints } = await browser.newPage()

    await page.goto(`${url}/some/address`)

    await page.getByText('Greeting: hello').waitFor()
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(0, 64, 0)')
    expect(await accessibilityFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('may not run a script that was put into it', async () => {
    const dir = await buildPage(FIXTURE)
    const url = await serve(pageRoutes({ dir, config: () => ({ greeting: 'hello' }) }))
    const { page, complaints } = await browser.newPage()
    await page.goto(url)

    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="document.title = 1">')`,
    )

    await expect.poll(() => complaints.join()).toContain('Content Security Policy')
    expect(await page.title()).toBe('The smallest page')
  })

  test('has no accessibility fault that goes unseen', async () => {
    const { page } = await browser.newPage()
    await page.setContent('<html><body><img src="data:,"></body></html>')
    expect((await accessibilityFindings(page)).join()).toContain('image-alt')
  })

  test('in development shows what is edited without being asked, on the same port', async () => {
    const { folder } = copyOfPage()
    const url = await serve(pageInDevelopment({ sources: folder, config: () => ({ greeting: 'hello' }) }))
    const { page, complaints } = await browser.newPage()
    await page.goto(url)
    await page.getByText('Greeting: hello').waitFor()
    await page.evaluate('globalThis.sameDocument = true')

    writeFileSync(
      join(folder, 'style.css'),
      readFileSync(join(folder, 'style.css'), 'utf8').replace('64', '128'),
    )

    const colour = () => page.evaluate('getComputedStyle(document.body).color')
    await expect.poll(colour, { timeout: 10_000 }).toBe('rgb(0, 128, 0)')
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true)
    expect(complaints).toEqual([])
  })
})
