import { nameOf, nameOfElement } from './figure-name.ts'

/** A figure of one run: measured once, or several times within the run, which tells how far it moves by itself. */
export interface Figure {
  /** What it is and its unit, in the words of the report, e.g. `1000 orders, p50 ms`. */
  name: string
  /** What was measured; of a repeated one the median. */
  value: number
  /** Lowest and highest of the repetitions. */
  range?: { min: number; max: number; runs: number | undefined }
}

/** Longer lists are samples and curves: those are compared as charts. */
const LONGEST_LIST = 6

/** Every figure in the data of an experiment, those that were repeated first. */
export function figuresOf(data: unknown): Figure[] {
  const figures = collect(data, [])
  return [...figures.filter(({ range }) => range), ...figures.filter(({ range }) => !range)]
}

function collect(value: unknown, path: string[]): Figure[] {
  if (typeof value === 'number') {
    const { name, factor } = nameOf(path)
    return [{ name, value: value * factor }]
  }
  if (Array.isArray(value)) return value.length > LONGEST_LIST ? [] : collectList(value, path)
  if (typeof value !== 'object' || value === null || 'buckets' in value) return []
  const repeated = rangeOf(value as Record<string, unknown>, path)
  if (repeated) return [repeated]
  return Object.entries(value).flatMap(([key, one]) => collect(one, [...path, key]))
}

/** What tells an element from the others stands in its name, and is no figure. */
function collectList(list: unknown[], path: string[]): Figure[] {
  const parent = path.slice(0, -1)
  return list.flatMap((element, at) => {
    const { name, told } = nameOfElement(element, path.at(-1) ?? '', at)
    if (typeof element !== 'object' || element === null || Array.isArray(element)) {
      return collect(element, [...parent, name])
    }
    const rest = Object.entries(element).filter(([key]) => !told.includes(key))
    return collect(Object.fromEntries(rest), [...parent, name])
  })
}

/** Repetitions are written down as `{ median, min, max, runs }`, with or without the values themselves. */
function rangeOf(
  { median, min, max, runs, n, values }: Record<string, unknown>,
  path: string[],
): Figure | undefined {
  if (typeof median !== 'number' || typeof min !== 'number' || typeof max !== 'number') return undefined
  const listed = Array.isArray(values) ? values.length : undefined
  const counts = [runs, n, listed].find((count) => typeof count === 'number')
  const { name, factor } = nameOf(path)
  return { name, value: median * factor, range: { min: min * factor, max: max * factor, runs: counts } }
}
