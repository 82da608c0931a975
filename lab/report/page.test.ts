import { describe, expect, test } from 'vitest'
import { chart, check, experimentRecord, runOf, series } from '../testing/report-builders.ts'
import { richRun } from '../testing/rich-run.ts'
import { reportPage } from './page.ts'

const hostile = `</title><script>alert('1')</script><img src=x onerror="alert(2)">&amp;\u202e\u0000 "quoted"`
const articles = (page: string) => page.split('<article').slice(1)

describe('the report of a run that may be believed', () => {
  const page = reportPage(richRun({ points: 400, experiments: 1 }))

  test('says so first', () => {
    expect(page).toMatch(/<div class="banner good"><p>Measured as planned, and everything holds\.<\/p>/)
    expect(page).not.toContain('INVALID')
  })

  test('gives every chart its numbers, its units and its n', () => {
    const figures = page.match(/<figure.*?<\/figure>/gs) ?? []

    expect(figures).toHaveLength(5)
    for (const figure of figures) {
      expect(figure).toMatch(/<svg class="chart wide".*<svg class="chart narrow"/s)
      expect(figure).toMatch(/<details>.*<table>.*<td/s)
      expect(figure).toMatch(/axis label"><text[^>]*>[^<]+, (ms|%|s|messages|orders\/s)<\/text>/)
      const curves = figure.match(/<li><svg class="swatch/g) ?? []
      expect(figure.match(/n = [\d,]+<\/span>/g)).toHaveLength(curves.length)
    }
  })

  test('begins with what fits on a slide', () => {
    expect(page.indexOf('At 200 orders/s RabbitMQ accepts')).toBeLessThan(page.indexOf('What was found'))
  })

  test('needs no script and fetches nothing', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=/i)
    expect(page).not.toMatch(/https?:|\/\/[a-z]/i)
    expect([...page.matchAll(/\b(?:href|src)="([^"]*)"/g)].every(([, to]) => to!.startsWith('#'))).toBe(true)
  })

  test('has its landmarks, a way past the head, and headings that leave no level out', () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level))

    expect(page).toMatch(
      /<html lang="en">.*<a class="skip" href="#main">.*<header>.*<main id="main">.*<footer>/s,
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(levels.filter((level) => level === 1)).toHaveLength(1)
    expect(levels.every((level, i) => i === 0 || level <= levels[i - 1]! + 1)).toBe(true)
  })

  test('says how it was measured and how to repeat it', () => {
    for (const fact of [
      'v24.21.0',
      '4.3.1, a private process of this run',
      '2 processors',
      'commit 0123456789',
    ]) {
      expect(page).toContain(fact)
    }
    expect(page).toContain('LAB_BROKERS=local npm run lab -- run compare-latency --profile full')
  })

  test('shows the guarantee card before the charts', () => {
    expect(page.indexOf('class="card"')).toBeLessThan(page.indexOf('<figure'))
    expect(page.indexOf('class="card"')).toBeGreaterThan(0)
  })
})

describe('the report of a run that may not be believed', () => {
  const charts = [chart()]
  const table = { title: 'Latency', columns: ['p50 ms'], rows: [[3]] }
  const lost = experimentRecord({
    name: 'kafka-acks',
    verdict: 'broken',
    checks: [{ name: 'the ledger balances', holds: false, detail: 'order 7 is not held', voids: true }],
    charts,
    tables: [table],
    reading: ['Kafka is the fastest.'],
  })
  const page = reportPage(runOf([experimentRecord({ charts }), lost]))
  const [sound, doubtful] = articles(page)

  test('says INVALID and why before anything else', () => {
    expect(page).toMatch(
      /<div class="banner bad"><p>INVALID: kafka-acks: does not hold: the ledger balances: order 7 is not held/,
    )
    expect(page).not.toContain('Measured as planned')
  })

  test('shows no chart and no reading of that experiment, and marks its tables', () => {
    expect(doubtful).not.toMatch(/<figure|class="chart|Kafka is the fastest/)
    expect(doubtful).toMatch(/<details>.*INVALID: Latency/s)
  })

  test('shows the charts of the others', () => {
    expect(sound).toContain('<svg class="chart wide"')
  })

  test.each([
    [
      'it was killed',
      (({ ended_at: _, ...rest }) => rest)(runOf([experimentRecord()])),
      /INVALID: the run has no end/,
    ],
    [
      'an experiment could not be run',
      runOf([experimentRecord({ verdict: 'error', error: 'no broker', checks: [] })]),
      /INVALID: rest-baseline: it could not be run to its end: no broker/,
    ],
    [
      'the generator fell behind',
      runOf([
        experimentRecord({ verdict: 'not measured', invalid: ['7 of 100 slots were dropped'], charts }),
      ]),
      /banner warn"><p>Not measured: rest-baseline: 7 of 100 slots were dropped/,
    ],
    [
      'the generator fell behind, and a check on the figures does not hold',
      runOf([
        lost,
        experimentRecord({ verdict: 'not measured', invalid: ['7 of 100 slots were dropped'], charts }),
      ]),
      /banner bad"><p>INVALID, for 2 reasons/,
    ],
  ])('says so when %s', (_, results, reason) => {
    expect(reportPage(results)).toMatch(reason)
  })
})

test('a check that does not hold is no reason to hide figures: the page says no and shows them', () => {
  const checks = [check('the ledger balances'), check('the median rises by the delay', false)]
  const page = reportPage(runOf([experimentRecord({ verdict: 'broken', checks, charts: [chart()] })]))

  expect(page).toMatch(/<div class="banner warn"><p>Measured as planned, and not everything holds/)
  expect(page).toMatch(/1 of 2 checks does not hold: the median rises by the delay/)
  expect(page).toContain('<svg class="chart wide"')
  expect(page).not.toContain('INVALID')
})

test('says above everything what fewer than three runs each cannot tell', () => {
  const of = (repetitions: number) =>
    reportPage(runOf([experimentRecord({ name: 'compare-latency', params: { repetitions } })]))

  expect(of(2)).toMatch(/banner good">.*compare-latency: fewer than three runs each cannot tell a difference/)
  expect(of(3)).not.toContain('cannot tell')
  expect(of(2)).not.toContain('may be believed')
})

describe('text of a run', () => {
  const evil = experimentRecord({
    name: hostile,
    question: hostile,
    params: { [hostile]: hostile },
    checks: [{ name: hostile, holds: true, detail: hostile }],
    tables: [{ title: hostile, columns: [hostile], rows: [[hostile]] }],
    charts: [
      chart({
        title: hostile,
        x: { label: hostile, unit: hostile, scale: 'linear' },
        series: [series({ name: hostile }), series({ name: 'other' })],
        marks: [{ x: 1, label: hostile }],
      }),
    ],
    reading: [hostile],
  })
  const page = reportPage(runOf([evil], { run: hostile }))

  test('is text in the page, whatever is in it', () => {
    expect(page).not.toMatch(/<script|<img|<[^>"]*\sonerror=/)
    expect(page.match(/<title>/g)).toHaveLength(1)
    expect(page).toContain('&lt;script&gt;alert(&#39;1&#39;)')
    expect(page).toContain('&amp;amp;')
  })

  test('cannot turn the text around it, nor hold what no document may', () => {
    expect(page).not.toContain('\u0000')
    expect(page).not.toContain('\u202e')
  })
})

describe('the size of the page', () => {
  test('stays below a megabyte for a full run with long series', () => {
    const page = reportPage(richRun({ points: 4_000, experiments: 28 }))

    expect(page.match(/<figure/g)).toHaveLength(140)
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000)
  })

  test('is the same for the same results', () => {
    const results = richRun({ points: 3_000, experiments: 2 })

    expect(reportPage(results)).toBe(reportPage(results))
  })

  test('does not grow with a table of very many rows', () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => [i, 'a row'])
    const page = reportPage(
      runOf([experimentRecord({ tables: [{ title: 'Orders', columns: ['n', 'what'], rows }] })]),
    )

    expect(Buffer.byteLength(page)).toBeLessThan(100_000)
    expect(page).toContain('49,800 rows left out here, in results.json')
  })
})
