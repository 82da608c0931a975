import type { Comparison } from '../compare/compare.ts'
import { document } from './document.ts'
import { figure } from './figure.ts'
import { htmlTable } from './html-table.ts'
import { html } from './markup.ts'
import { counted } from './number.ts'

const DETAIL = { points: 120, rows: 16 }

/** Two runs as one HTML file: what differs, and the curves of both in the same pictures. */
export function comparisonPage({ notes, verdicts, experiments }: Comparison): string {
  const main = html`<header><h1>Messaging lab: two runs compared</h1>
<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></header>
<main id="main">
<section aria-labelledby="verdicts"><h2 id="verdicts">Verdicts</h2>${htmlTable(verdicts)}</section>
<section aria-labelledby="figures"><h2 id="figures">Figures</h2>
${experiments.map(
  (
    { name, figures, left, charts },
    at,
  ) => html`<article class="experiment" aria-labelledby="experiment-${at}">
<h3 id="experiment-${at}">${name}</h3>
${charts.length > 0 && html`<div class="charts">${charts.map((chart, i) => figure(chart, `compared-${at}-${i}`, DETAIL))}</div>`}
${htmlTable(figures)}${left > 0 && html`<p class="note">${counted(left, 'figure')} more in the results of the runs.</p>`}</article>`,
)}</section>
</main>`
  return document({ title: 'Messaging lab: two runs compared', main })
}
