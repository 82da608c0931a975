import type { Comparison } from './compare.ts'
import { figures as figuresOf } from './figure.ts'
import { document, html, htmlTable } from './markup.ts'
import { counted } from './number.ts'

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
${figuresOf(charts, `compared-${at}`, { points: 120, rows: 16, sizes: ['wide', 'narrow'] })}
${htmlTable(figures)}${left > 0 && html`<p class="note">${counted(left, 'figure')} more in the results of the runs.</p>`}</article>`,
)}</section>
</main>`
  return document({ title: 'Messaging lab: two runs compared', main })
}
