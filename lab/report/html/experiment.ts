import type { Table } from '../../experiments/experiment.ts'
import { counted } from '../number.ts'
import type { ExperimentRecord } from '../results.ts'
import { doubtsAbout } from '../validity.ts'
import { type Detail, figures } from './figure.ts'
import { htmlTable } from './html-table.ts'
import { type Content, html, type Markup } from './markup.ts'
import { chip, verdictWords } from './verdict-words.ts'

/** One experiment: its question, its verdict, and the evidence; of figures in doubt only what speaks about the doubt. */
export function experiment(record: ExperimentRecord, at: number, detail: Detail): Markup {
  const isInvalid = doubtsAbout(record).length > 0
  const { word, sentence } = verdictWords(record)
  return html`<article class="experiment" id="${anchor(at)}" aria-labelledby="${anchor(at)}-name">
<h3 id="${anchor(at)}-name">${record.name} ${chip(record)}</h3>
<p class="question">${record.question}</p>
<p class="verdict">${isInvalid && html`<strong>${word}: </strong>`}${sentence}</p>
${!isInvalid && record.reading?.map((sentence) => html`<p>${sentence}</p>`)}
${cards(record)}
${isInvalid ? doubtful(record, word) : evidence(record, at, detail)}
${checks(record)}
<details><summary>Parameters, part and time</summary>${circumstances(record)}</details></article>`
}

/** The id of the n-th experiment: names are not made for it. */
export const anchor = (at: number): string => `experiment-${at + 1}`

/** What the styles promised is no figure: it is shown in any case. */
const cards = ({ tables }: ExperimentRecord): Markup[] =>
  tables.filter(isCard).map((card) => html`<div class="card">${htmlTable(card)}</div>`)

const isCard = ({ title }: Table): boolean => /^guarantee card/i.test(title)

function evidence({ tables, charts = [] }: ExperimentRecord, at: number, detail: Detail): Content {
  const others = tables.filter((table) => !isCard(table))
  return [figures(charts, `${anchor(at)}-chart`, detail), others.map(htmlTable)]
}

/** Tables help to find what went wrong; nobody shall quote them by accident. */
function doubtful({ tables, charts = [] }: ExperimentRecord, word: string): Content {
  const marked = tables
    .filter((table) => !isCard(table))
    .map((table) => htmlTable({ ...table, title: `${word}: ${table.title}` }))
  return [
    charts.length > 0 && html`<p class="note">${counted(charts.length, 'chart')} not shown.</p>`,
    marked.length > 0 &&
      html`<details><summary>Tables with figures that may not be believed</summary>${marked}</details>`,
  ]
}

function checks({ checks: all, error }: ExperimentRecord): Markup {
  return html`${all.length > 0 && html`<h4>Checks</h4>`}<ul class="checks">${all.map(
    ({ name, holds, detail }) =>
      holds
        ? html`<li><span class="sign yes" aria-hidden="true">✓</span><span>${name}</span><span class="seen">${detail}</span></li>`
        : html`<li><span class="sign no" aria-hidden="true">✗</span><span>Does not hold: ${name}</span><span class="seen">${detail}</span></li>`,
  )}</ul>${error !== undefined && html`<pre>${error}</pre>`}`
}

function circumstances({ part, params, started_at, duration_seconds }: ExperimentRecord): Markup {
  const facts = [
    ['part', part],
    ['started', started_at],
    ['took', `${duration_seconds.toFixed(1)} s`],
    ...Object.entries(params).map(([name, value]) => [name, JSON.stringify(value)] as const),
  ] as const
  return html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}
