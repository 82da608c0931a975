import { counted } from '../number.ts'
import type { Results } from '../results.ts'
import { tally } from '../summary.ts'
import { believable, type Doubt, doubtsAboutRun, limitOf } from '../validity.ts'
import { wordOf } from '../verdict.ts'
import { html, type Markup } from './markup.ts'

/** The first thing a reader sees: whether everything was measured and holds, and if not, why. */
export function banner(results: Results): Markup {
  const doubts = doubtsAboutRun(results)
  if (doubts.length > 0) return doubtful(results, doubts)
  const broken = results.experiments.filter(({ verdict }) => verdict === 'broken').map(({ name }) => name)
  if (broken.length === 0) {
    return html`<div class="banner good"><p>Measured as planned, and everything holds.</p><p>${tally(results)}. ${FOUNDATION}</p>${limits(results)}</div>`
  }
  const no = `The verdict of ${counted(broken.length, 'experiment')} is no: ${broken.join(', ')}.`
  return html`<div class="banner warn"><p>Measured as planned, and not everything holds.</p><p>${tally(results)}. ${no}</p>${limits(results)}</div>`
}

const FOUNDATION =
  'Every experiment ran to its end, and every check on its orders and its load came out right.'

/** What figures that are right do not tell stands above them, not only beside them. */
function limits({ experiments }: Results): Markup[] {
  const limited = Map.groupBy(experiments, limitOf)
  return [...limited].flatMap(([limit, records]) =>
    limit === undefined ? [] : html`<p>${records.map(({ name }) => name).join(', ')}: ${limit}.</p>`,
  )
}

function doubtful(results: Results, doubts: Doubt[]): Markup {
  const [first] = doubts
  const notMeasured = new Set(
    results.experiments.filter((record) => wordOf(record) === 'not measured').map(({ name }) => name),
  )
  const isMild = doubts.every(({ experiment }) => experiment !== undefined && notMeasured.has(experiment))
  const [word, tone] = isMild ? ['Not measured', 'warn'] : ['INVALID', 'bad']
  const headline =
    doubts.length === 1 && first
      ? `${word}: ${reasonOf(first)}`
      : `${word}, for ${counted(doubts.length, 'reason')}`
  const good = believable(results).length
  const rest =
    good === 0
      ? 'None of its figures may be believed, so no chart is shown.'
      : `The figures in doubt are not charted. Those of the other ${counted(good, 'experiment')} were measured as planned.`
  return html`<div class="banner ${tone}"><p>${headline}</p>
${doubts.length > 1 && html`<ul>${doubts.map((doubt) => html`<li>${reasonOf(doubt)}</li>`)}</ul>`}
<p>${rest} ${tally(results)}.</p></div>`
}

const reasonOf = ({ experiment, reason }: Doubt): string =>
  experiment === undefined ? reason : `${experiment}: ${reason}`
