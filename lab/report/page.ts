import { join } from 'node:path'
import { replaceFile } from '../run/folder.ts'
import type { ExperimentRecord, Results, Table } from '../run/schema.ts'
import {
  believable,
  type Doubt,
  doubtsAbout,
  doubtsAboutRun,
  keyFigures,
  limitOf,
  tally,
  VERDICTS,
  wordOf,
} from '../run/verdict.ts'
import { trios } from '../trio.ts'
import { compareStyles } from './compare-styles.ts'
import { type Detail, figures } from './figure.ts'
import { type Content, document, html, htmlTable, type Markup } from './markup.ts'
import { counted } from './number.ts'

/** Writes `report.html` into the folder of the run and answers its path. On failure an older one stays as it was. */
export async function writeReport(folder: string, results: Results): Promise<string> {
  const file = join(folder, 'report.html')
  await replaceFile(file, reportPage(results))
  return file
}

const MOST_BYTES = 950_000
const BOTH: Detail['sizes'] = ['wide', 'narrow']

/** From what is comfortable to what still shows the shape of every curve; at the end phones scroll the wide picture. */
const DETAILS: Detail[] = [
  { points: 240, rows: 24, sizes: BOTH },
  { points: 80, rows: 12, sizes: BOTH },
  { points: 60, rows: 8, sizes: ['wide'] },
  { points: 12, rows: 2, sizes: ['wide'] },
]

/** The report of a run as one HTML file. Of very many charts each has fewer points, so that it stays below a megabyte. */
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
${inShort(results)}
<section aria-labelledby="found"><h2 id="found">What was found</h2>${index(results)}</section>
<section aria-labelledby="experiments"><h2 id="experiments">The experiments</h2>
${experiments.map((record, at) => experiment(record, at, detail))}</section>
<section aria-labelledby="method"><h2 id="method">How it was measured</h2>${method(results)}</section>
</main>
<footer><p>Made from results.json of this run; its figures are there in full. To make this page again: <code>npm run lab -- report ${run}</code></p></footer>`
  return document({ title: `Messaging lab: ${run}`, main })
}

/** The first thing a reader sees: whether everything was measured and holds, and if not, why. */
function banner(results: Results): Markup {
  const doubts = doubtsAboutRun(results)
  if (doubts.length > 0) return doubtful(results, doubts)
  const broken = results.experiments.filter(({ verdict }) => verdict === 'broken').map(({ name }) => name)
  if (broken.length === 0) {
    return html`<div class="banner good"><p>Measured as planned, and everything holds.</p><p>${tally(results)}. Every experiment ran to its end, and every check on its orders and its load came out right.</p>${limits(results)}</div>`
  }
  const no = `The verdict of ${counted(broken.length, 'experiment')} is no: ${broken.join(', ')}.`
  return html`<div class="banner warn"><p>Measured as planned, and not everything holds.</p><p>${tally(results)}. ${no}</p>${limits(results)}</div>`
}

/** What figures that are right do not tell stands above them, not only beside them. */
function limits({ experiments }: Results): Markup[] {
  return [...Map.groupBy(experiments, limitOf)].flatMap(([limit, records]) =>
    limit === undefined ? [] : html`<p>${records.map(({ name }) => name).join(', ')}: ${limit}.</p>`,
  )
}

function doubtful(results: Results, doubts: Doubt[]): Markup {
  const records = results.experiments.filter((record) => wordOf(record) === 'not measured')
  const notMeasured = new Set<string | undefined>(records.map(({ name }) => name))
  const isMild = doubts.every(({ experiment: name }) => notMeasured.has(name))
  const [word, tone] = isMild ? ['Not measured', 'warn'] : ['INVALID', 'bad']
  const reasons = doubts.map(({ experiment: name, reason }) =>
    name === undefined ? reason : `${name}: ${reason}`,
  )
  const headline =
    reasons.length === 1 ? `${word}: ${reasons[0]}` : `${word}, for ${counted(reasons.length, 'reason')}`
  const good = believable(results).length
  const rest =
    good === 0
      ? 'None of its figures may be believed, so no chart is shown.'
      : `The figures in doubt are not charted. Those of the other ${counted(good, 'experiment')} were measured as planned.`
  return html`<div class="banner ${tone}"><p>${headline}</p>
${reasons.length > 1 && html`<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
<p>${rest} ${tally(results)}.</p></div>`
}

const MOST_SENTENCES = 6

/** What fits on a slide: the styles beside each other, and what the comparisons that may be believed say in words. */
function inShort(results: Results): Markup | undefined {
  const experiments = believable(results)
  const table = compareStyles({ ...results, experiments })
  const comparing = experiments.filter(({ part, verdict }) => part === 'all' && verdict === 'holds')
  const sentences = comparing.flatMap(({ reading = [] }) => reading.slice(0, 2)).slice(0, MOST_SENTENCES)
  if (!table && sentences.length === 0) return undefined
  const left = results.experiments.filter((record) => !experiments.includes(record)).map(({ name }) => name)
  return html`<section class="slide" aria-labelledby="short"><h2 id="short">In short</h2>
${sentences.length > 0 && html`<ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
${table && styles(table)}
${left.length > 0 && html`<p class="note">Without the figures of ${left.join(', ')}, which may not be believed.</p>`}</section>`
}

const styles = ({ title, rows }: Table): Markup =>
  html`<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table class="styles"><caption>${title}</caption>
<thead><tr><th scope="col"></th>${trios.map(
    ({ name, style }) =>
      html`<th scope="col"><span class="dab" style="background:var(--${name})"></span>${style}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    ([question, ...cells]) =>
      html`<tr><th scope="row">${question}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`

function index({ experiments, planned }: Results): Markup {
  const missing = planned.filter((name) => !experiments.some((record) => record.name === name))
  return html`<nav aria-label="Experiments"><ul class="index">${experiments.map(
    (record, at) =>
      html`<li>${chip(record)}<div><a href="#${anchor(at)}">${record.name}</a><span class="quiet">${doubtsAbout(record)[0]?.split('\n')[0] ?? keyFigures(record)}</span></div></li>`,
  )}${missing.map((name) => html`<li><span class="word bad">not run</span><div>${name}</div></li>`)}</ul></nav>`
}

/** The id of the n-th experiment: names are not made for it. */
const anchor = (at: number): string => `experiment-${at + 1}`

/** The verdict of an experiment in plain words, made from its checks. */
function inWords(record: ExperimentRecord): {
  word: string
  tone: 'good' | 'warn' | 'bad'
  sentence: string
} {
  const doubts = doubtsAbout(record)
  if (doubts.length > 0) {
    const word = wordOf(record)
    return { word, tone: word === 'INVALID' ? 'bad' : VERDICTS[word].tone, sentence: doubts.join('; ') }
  }
  const { checks } = record
  const failed = checks.filter(({ holds }) => !holds)
  if (failed.length === 0) {
    const all = checks.length === 1 ? 'Its one check holds.' : `All ${checks.length} checks hold.`
    return { word: 'holds', tone: 'good', sentence: all }
  }
  const named = failed.map(({ name, detail }) => `${name} (${detail})`).join('; ')
  const count = `${failed.length} of ${counted(checks.length, 'check')} ${failed.length === 1 ? 'does' : 'do'} not hold`
  return {
    word: 'broken',
    tone: 'warn',
    sentence: `${count}: ${named}. The figures may be believed; what they show is no.`,
  }
}

function chip(record: ExperimentRecord): Markup {
  const { word, tone } = inWords(record)
  return html`<span class="word ${tone}">${word}</span>`
}

/** One experiment: its question, its verdict, and the evidence; of figures in doubt only what speaks about the doubt. */
function experiment(record: ExperimentRecord, at: number, detail: Detail): Markup {
  const isInvalid = doubtsAbout(record).length > 0
  const { word, sentence } = inWords(record)
  return html`<article class="experiment" id="${anchor(at)}" aria-labelledby="${anchor(at)}-name">
<h3 id="${anchor(at)}-name">${record.name} ${chip(record)}</h3>
<p class="question">${record.question}</p>
<p class="verdict">${isInvalid && html`<strong>${word}: </strong>`}${sentence}</p>
${!isInvalid && record.reading?.map((sentence) => html`<p>${sentence}</p>`)}
${record.tables.filter(isCard).map((card) => html`<div class="card">${htmlTable(card)}</div>`)}
${isInvalid ? inDoubt(record, word) : evidence(record, at, detail)}
${checks(record)}
<details><summary>Parameters, part and time</summary>${circumstances(record)}</details></article>`
}

/** What the styles promised is no figure: it is shown in any case. */
const isCard = ({ title }: Table): boolean => /^guarantee card/i.test(title)

const evidence = ({ tables, charts = [] }: ExperimentRecord, at: number, detail: Detail): Content => [
  figures(charts, `${anchor(at)}-chart`, detail),
  tables.filter((table) => !isCard(table)).map(htmlTable),
]

/** Tables help to find what went wrong; nobody shall quote them by accident. */
function inDoubt({ tables, charts = [] }: ExperimentRecord, word: string): Content {
  const others = tables.filter((table) => !isCard(table))
  const marked = others.map((table) => htmlTable({ ...table, title: `${word}: ${table.title}` }))
  return [
    charts.length > 0 && html`<p class="note">${counted(charts.length, 'chart')} not shown.</p>`,
    marked.length > 0 &&
      html`<details><summary>Tables with figures that may not be believed</summary>${marked}</details>`,
  ]
}

const checks = ({ checks: all, error }: ExperimentRecord): Markup =>
  html`${all.length > 0 && html`<h4>Checks</h4>`}<ul class="checks">${all.map(
    ({ name, holds, detail }) =>
      html`<li><span class="sign ${holds ? 'yes' : 'no'}" aria-hidden="true">${holds ? '✓' : '✗'}</span><span>${!holds && 'Does not hold: '}${name}</span><span class="seen">${detail}</span></li>`,
  )}</ul>${error !== undefined && html`<pre>${error}</pre>`}`

const facts = (all: readonly (readonly [string, string])[]): Markup =>
  html`<dl class="facts">${all.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`

const circumstances = ({ part, params, started_at, duration_seconds }: ExperimentRecord): Markup =>
  facts([
    ['part', part],
    ['started', started_at],
    ['took', `${duration_seconds.toFixed(1)} s`],
    ...Object.entries(params).map(([name, value]) => [name, JSON.stringify(value)] as const),
  ])

const NAMES = { rabbitmq: 'RabbitMQ', kafka: 'Kafka' } as const
const ORIGINS = {
  local: 'a private process of this run',
  docker: 'a container of this run',
  external: 'running before, and kept running',
} as const

/** What the numbers come from, and the command that makes such numbers again. */
function method(results: Results): Markup {
  const { environment, run, profile, started_at, brokers } = results
  const memory = `${(environment.memory_bytes / 2 ** 30).toFixed(1)} GiB of memory`
  return html`${facts([
    ['Run', run],
    ['Started', `${started_at.slice(0, 19).replace('T', ' ')} UTC${lasted(results)}`],
    ['Profile', profile],
    ['Code', codeOf(results)],
    ['Machine', `${environment.cpu}, ${counted(environment.cpu_count, 'processor')}, ${memory}`],
    ['System', `${environment.os}, ${environment.arch}`],
    ['Node', environment.node],
    ...brokers.map(({ kind, version, origin }) => [NAMES[kind], `${version}, ${ORIGINS[origin]}`] as const),
  ])}<h3>To repeat it</h3><pre>${howToRepeat(results)}</pre>`
}

function lasted({ started_at, ended_at }: Results): string {
  if (ended_at === undefined) return '; no end is recorded'
  const seconds = (Date.parse(ended_at) - Date.parse(started_at)) / 1_000
  return `, for ${seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`}`
}

function codeOf({ environment: { git_commit, git_dirty } }: Results): string {
  if (git_commit === undefined) return 'no commit is recorded'
  return git_dirty ? `commit ${git_commit}, with changes that are in no commit` : `commit ${git_commit}`
}

/** The exact command. Other brokers, and a shared machine, give other numbers. */
function howToRepeat({ environment, brokers, planned, profile }: Results): string {
  const origins = [...new Set(brokers.map(({ origin }) => origin))]
  const pinned = origins.length === 1 ? `LAB_BROKERS=${origins[0]} ` : ''
  const { git_commit, git_dirty } = environment
  const checkout = git_commit !== undefined && !git_dirty ? [`git checkout ${git_commit}`, 'npm ci'] : []
  return [...checkout, `${pinned}npm run lab -- run ${planned.join(' ')} --profile ${profile}`].join('\n')
}
