import type { Results } from '../results.ts'
import { tally } from '../summary.ts'
import { believable, type Doubt, doubtsAboutRun } from '../validity.ts'
import { html, type Markup } from './markup.ts'
import { counted } from './number.ts'

/** The first thing a reader sees: whether the numbers may be believed, and if not, why. */
export function banner(results: Results): Markup {
  const doubts = doubtsAboutRun(results)
  if (doubts.length > 0) return invalidBanner(results, doubts)
  const broken = results.experiments.filter(({ verdict }) => verdict === 'broken').map(({ name }) => name)
  if (broken.length === 0) {
    return html`<div class="banner good"><p>These numbers may be believed.</p><p>${tally(results)}. ${FOUNDATION}</p></div>`
  }
  const no = `The verdict of ${counted(broken.length, 'experiment')} is no: ${broken.join(', ')}.`
  return html`<div class="banner warn"><p>These numbers may be believed, and not everything holds.</p><p>${tally(results)}. ${no}</p></div>`
}

const FOUNDATION =
  'Every experiment ran to its end, and every check on its orders and its load came out right.'

function invalidBanner(results: Results, doubts: Doubt[]): Markup {
  const [first] = doubts
  const headline =
    doubts.length === 1 && first
      ? `INVALID: ${reasonOf(first)}`
      : `INVALID, for ${counted(doubts.length, 'reason')}`
  const good = believable(results).length
  const rest =
    good === 0
      ? 'None of its figures may be believed, so no chart is shown.'
      : `The figures in doubt are not charted. Those of the other ${counted(good, 'experiment')} may be believed.`
  return html`<div class="banner bad"><p>${headline}</p>
${doubts.length > 1 && html`<ul>${doubts.map((doubt) => html`<li>${reasonOf(doubt)}</li>`)}</ul>`}
<p>${rest} ${tally(results)}.</p></div>`
}

const reasonOf = ({ experiment, reason }: Doubt): string =>
  experiment === undefined ? reason : `${experiment}: ${reason}`
