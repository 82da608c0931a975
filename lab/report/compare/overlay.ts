import { isDeepStrictEqual } from 'node:util'
import type { Chart } from '../chart.ts'

/** The charts that both runs have, with the curves of both; a chart of one run only has nothing to be compared with. */
export function overlay(a: Chart[], b: Chart[]): Chart[] {
  return a.flatMap((left) => {
    const right = b.find((one) => one.title === left.title && isSameAxes(one, left))
    return right ? [together(left, right)] : []
  })
}

const isSameAxes = (a: Chart, b: Chart): boolean => isDeepStrictEqual([a.x, a.y], [b.x, b.y])

function together(a: Chart, b: Chart): Chart {
  const of = (run: string, { series }: Chart) =>
    series.map((one) => ({ ...one, name: `${run}: ${one.name}` }))
  return { ...a, series: [...of('A', a), ...of('B', b)], marks: marksOf(a, b) }
}

function marksOf({ marks: a = [] }: Chart, { marks: b = [] }: Chart): NonNullable<Chart['marks']> {
  if (isDeepStrictEqual(a, b)) return a
  const of = (run: string, marks: typeof a) => marks.map(({ x, label }) => ({ x, label: `${run}: ${label}` }))
  return [...of('A', a), ...of('B', b)]
}
