import { compareStyles } from '../compare-styles.ts'
import type { Results } from '../results.ts'
import { believable } from '../validity.ts'
import { banner } from './banner.ts'
import { document } from './document.ts'
import { anchor, experiment } from './experiment.ts'
import type { Detail } from './figure.ts'
import { htmlTable } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import { method } from './method.ts'
import { chip, inShort } from './verdict-words.ts'

const MOST_BYTES = 950_000

/** From what is comfortable to what still shows the shape of every curve. */
const DETAILS: Detail[] = [
  { points: 240, rows: 24 },
  { points: 120, rows: 16 },
  { points: 60, rows: 12 },
  { points: 24, rows: 8 },
  { points: 16, rows: 4 },
]

/**
 * The report of a run as one HTML file. Of a run with very many charts each is drawn with fewer points, so that the file
 * stays below a megabyte; the extremes of every curve stay.
 */
export function reportPage(results: Results): string {
  let page = ''
  for (const detail of DETAILS) {
    page = pageOf(results, detail)
    if (Buffer.byteLength(page) <= MOST_BYTES) break
  }
  return page
}

function pageOf(results: Results, detail: Detail): string {
  const { run, profile, experiments } = results
  const main = html`<header><h1>Messaging lab: run ${run}</h1>
<p class="quiet">One food order over blocking HTTP, over RabbitMQ and over Kafka. Profile ${profile}.</p>
${banner(results)}</header>
<main id="main">
<section aria-labelledby="found"><h2 id="found">What was found</h2>${index(results)}</section>
${styles(results)}
<section aria-labelledby="method"><h2 id="method">How it was measured</h2>${method(results)}</section>
<section aria-labelledby="experiments"><h2 id="experiments">The experiments</h2>
${experiments.map((record, at) => experiment(record, at, detail))}</section>
</main>
<footer><p>Made from results.json of this run; its figures are there in full. To make this page again: <code>npm run lab -- report ${run}</code></p></footer>`
  return document({ title: `Messaging lab: ${run}`, main })
}

function index({ experiments, planned }: Results): Markup {
  const missing = planned.filter((name) => !experiments.some((record) => record.name === name))
  return html`<nav aria-label="Experiments"><ul class="index">${experiments.map(
    (record, at) =>
      html`<li>${chip(record)}<div><a href="#${anchor(at)}">${record.name}</a><span class="quiet">${inShort(record)}</span></div></li>`,
  )}${missing.map((name) => html`<li><span class="word bad">not run</span><div>${name}</div></li>`)}</ul></nav>`
}

/** Figures in doubt compare nothing, so only the other experiments are asked. */
function styles(results: Results): Markup | undefined {
  const experiments = believable(results)
  const table = compareStyles({ ...results, experiments })
  if (!table) return undefined
  const left = results.experiments.filter((record) => !experiments.includes(record)).map(({ name }) => name)
  return html`<section aria-labelledby="styles"><h2 id="styles">The styles compared</h2>${htmlTable(table)}
${left.length > 0 && html`<p class="note">Without the figures of ${left.join(', ')}, which may not be believed.</p>`}</section>`
}
