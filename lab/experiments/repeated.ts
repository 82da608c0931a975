/** A figure that was measured several times. `compare` reads it in this form. */
export interface Repeated {
  median: number
  min: number
  max: number
  runs: number
}

/** Undefined when a run could not support the figure: the others alone would be a choice, not a measurement. */
export function repeated(values: (number | undefined)[]): Repeated | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  if (known.length === 0 || known.length < values.length) return undefined
  const middle = (known[Math.floor((known.length - 1) / 2)]! + known[Math.ceil((known.length - 1) / 2)]!) / 2
  return { median: middle, min: known[0]!, max: known.at(-1)!, runs: known.length }
}

/** `3.41 (3.20–3.77)`; one run has no range. */
export function spread(figure: Repeated | undefined, format: (value: number) => string): string {
  if (!figure) return 'n/a'
  const { median, min, max, runs } = figure
  return runs === 1 ? `${format(median)} (range n/a)` : `${format(median)} (${format(min)}–${format(max)})`
}

/** Whether two figures differ by more than each moves by itself. One run each cannot tell. */
export const differ = (a: Repeated, b: Repeated): boolean | undefined =>
  Math.min(a.runs, b.runs) < 3 ? undefined : a.max < b.min || b.max < a.min

/** What `differ` says, in words. */
export function remarkOn(a: Repeated, b: Repeated): string {
  const isApart = differ(a, b)
  if (isApart === undefined) return 'too few runs to tell from noise'
  return isApart ? 'more than the run-to-run range' : 'within the run-to-run range'
}

/** How often a figure of a table was measured. */
export const runsOf = (repetitions: number): string =>
  repetitions === 1 ? 'one run each' : `median of ${repetitions} runs (range)`

/** Measures each setting so many times, in rotating order, and answers what was measured in the order it was. */
export async function inTurns<Setting, Measured>(
  settings: readonly Setting[],
  repetitions: number,
  measure: (setting: Setting, repetition: number) => Promise<Measured>,
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (let repetition = 0; repetition < repetitions; repetition++)
    for (const setting of rotated(settings, repetition)) measured.push(await measure(setting, repetition))
  return measured
}

/** The same items beginning with another one each time, so that none is always the one on a cold machine, or on a rested one. */
export const rotated = <Item>(items: readonly Item[], by: number): Item[] => {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}
