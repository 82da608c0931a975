import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { until } from '@lab/kit/wait.ts'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Api, openPlatform, type Platform, Window } from './platform.ts'

const FOLDER = resolve(import.meta.dirname, '../grafana')
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')

interface Target {
  datasource: { type: string; uid: string }
  /** Of Prometheus. */
  expr?: string
  /** Of the JSON API. */
  url?: string
  root_selector?: string
  columns?: { selector: string; type: 'string' | 'number' }[]
}
interface Dashboard {
  uid: string
  title: string
  panels: { title: string; targets: Target[] }[]
  templating: { list: { name: string; query: string }[] }
}

const dashboards = globSync('dashboards/*.json', { cwd: FOLDER }).map(
  (file) => JSON.parse(read(file)) as Dashboard,
)
const targets = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) => panel.targets.map((target) => ({ of: `${title}: ${panel.title}`, target }))),
)
const queries = targets.flatMap(({ of, target: { expr } }) => (expr === undefined ? [] : [{ of, expr }]))
const tables = targets.filter(({ target }) => target.expr === undefined)

const missing = [await localObstacle('redis'), await localObstacle('prometheus')].find(Boolean)

describe.skipIf(missing)(`what Grafana shows ${missing ?? ''}`, () => {
  let run: RunDir
  let prometheus: Servers['prometheus']
  let platform: Platform
  let api: Api
  const window = new Window()

  beforeAll(async () => {
    platform = await openPlatform()
    api = new Api(platform.url)
    await window.open(platform.url)
    run = await openRunDir()
    const config = read('prometheus.yml')
      .replaceAll(/(scrape|evaluation)_interval: \d+s/g, '$1_interval: 1s')
      .replace('redis-platform-service:8000', new URL(platform.url).host)
      .replace('alerts.yml', join(FOLDER, 'alerts.yml'))
    prometheus = await startServer('prometheus', localContext(run), { config })
    // A rate needs a figure from before: that of no order yet, and that of the first in each status.
    for (const delivered of [0, 1]) {
      await scraped(`pizza_events_total{event_type="order.delivered"} == ${delivered}`)
      await api.orderAt('delivered')
      const { id } = await api.create()
      await api.step(id, 'supplier-respond?accept=false')
    }
    await api.create()
  })
  afterAll(async () => {
    window.close()
    await prometheus?.close()
    await run?.close()
    await platform?.close()
  })

  // biome-ignore lint/suspicious/noExplicitAny: as Prometheus has it
  type Data = any
  async function ask(path: string): Promise<Data> {
    const response = await fetch(`${prometheus.url}/api/v1/${path}`, { signal: AbortSignal.timeout(10_000) })
    const { status, data, error } = (await response.json()) as Data
    if (status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${error}`)
    return data
  }
  async function figures(promql: string): Promise<number[]> {
    const { result } = await ask(`query?query=${encodeURIComponent(promql)}`)
    return result.map(({ value }: { value: [number, string] }) => Number(value[1]))
  }
  const scraped = (promql: string) =>
    until(async () => (await figures(promql)).length > 0, {
      what: promql,
      timeoutMs: 20_000,
      everyMs: 200,
    })

  test('is data, for every query of every panel', async () => {
    // Statistics are up to 5 s old.
    await scraped('sum(pizza_orders{status="delivered"}) == 2')
    expect(queries.length).toBeGreaterThan(25)
    let without: string[] = []
    const allThere = async () => {
      const asked = queries.map(async ({ of, expr }) =>
        (await figures(filled(expr))).some(Number.isFinite) ? [] : [`${of}: ${expr}`],
      )
      without = (await Promise.all(asked)).flat()
      return without.length === 0
    }
    const detail = () => without.join('\n')
    await until(allThere, { what: 'data of every query', timeoutMs: 15_000, everyMs: 500, detail })
  })

  test('is what the platform has', async () => {
    await scraped('sum(pizza_orders{status="pending_supplier"}) == 1')
    const { statistics } = (await api.get('/api/metrics')).body
    const shown = async (title: string) => figures(filled(queries.find(({ of }) => of === title)!.expr))
    expect(await shown('Deliveries: Delivered today')).toEqual([statistics.completed_today])
    expect(await shown('Deliveries: Rejected or cancelled')).toEqual([statistics.supplier_rejected])
    expect(await shown('Platform: Open WebSockets')).toEqual([1])
  })

  test.each(tables)('$of has its columns in the JSON API', async ({ target }) => {
    const { status, body } = await api.get(target.url!)
    expect(status).toBe(200)
    const [first] = body[target.root_selector!]
    for (const { selector, type } of target.columns!) expect(typeof first[selector], selector).toBe(type)
  })

  test('has a choice of instances', async () => {
    for (const { query } of dashboards.flatMap(({ templating }) => templating.list)) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query)!
      const found = await ask(`series?match[]=${encodeURIComponent(series!)}`)
      expect(found.map((one: Record<string, string>) => one[label!])).toEqual([new URL(platform.url).host])
    }
  })

  test('has rules that read what there is, and are silent while all is well', async () => {
    const { groups } = await ask('rules')
    const rules: { name: string; query: string; health: string }[] = groups.flatMap(
      (group: { rules: object[] }) => group.rules,
    )
    const written = [...read('alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    expect(rules.map(({ name }) => name).toSorted()).toEqual(written.toSorted())
    for (const { name, query } of rules) {
      const metrics = query.match(/\b(up|(pizza|http|nodejs)_\w+)(?=\{|\[| )/g) ?? []
      expect(metrics, name).not.toEqual([])
      for (const metric of metrics) expect(await figures(`count(${metric})`), metric).toHaveLength(1)
    }
    const { alerts } = await ask('alerts')
    expect(alerts.filter(({ state }: { state: string }) => state === 'firing')).toEqual([])
  })

  // Prometheus brings it, and is there by now.
  test.each([
    ['config', 'prometheus.yml'],
    ['rules', 'alerts.yml'],
  ])('has promtool check %s %s content', (what, file) => {
    execFileSync('promtool', ['check', what, file], { cwd: FOLDER, stdio: 'pipe' })
  })

  test('has alerts that come and go as their examples say', () => {
    execFileSync('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: FOLDER, stdio: 'pipe' })
  })
})

describe('the dashboards', () => {
  test('are three, and ask data sources that are provisioned', () => {
    expect(dashboards.map(({ title }) => title).toSorted()).toEqual([
      'Deliveries',
      'Platform',
      'Suppliers and drivers',
    ])
    const known = [...read('provisioning/datasources/datasources.yml').matchAll(/uid: (\w+)\n +type: (\S+)/g)]
    const uids = new Map(known.map(([, uid, type]) => [uid, type]))
    for (const { of, target } of targets)
      expect(uids.get(target.datasource.uid), of).toBe(target.datasource.type)
  })
})

/** As Grafana does it, with all instances chosen. */
const filled = (expr: string) =>
  expr.replaceAll('$__rate_interval', '30s').replaceAll('$__range', '1m').replaceAll('$instance', '.*')
