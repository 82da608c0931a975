import { QUESTIONS, type Results, type Table } from '../run/schema.ts'
import { TRIOS, trios } from '../trio.ts'

const NOT_ASKED = '–'

/** The three styles beside each other, in what experiments that held say; undefined when fewer than two are there. */
export function compareStyles({ experiments }: Results): Table | undefined {
  const said = experiments.filter(({ verdict }) => verdict === 'holds').flatMap(({ says = [] }) => says)
  if (new Set(said.map(({ style }) => style)).size < 2) return undefined
  const asked = QUESTIONS.filter((question) => said.some((one) => one.question === question))
  return {
    title: 'The three styles, in the figures of this run',
    columns: ['', ...trios.map(({ style }) => style)],
    rows: asked.map((question) => [
      question,
      ...TRIOS.map(
        (name) => said.find((one) => one.question === question && one.style === name)?.words ?? NOT_ASKED,
      ),
    ]),
  }
}
