/** A figure of one run: measured once, or several times within the run, which tells how far it moves by itself. */
export interface Figure {
  /** Where it is in the data, e.g. `rounds[1].p50_us`; the name carries the unit. */
  path: string
  /** What was measured; of a repeated one the median. */
  value: number
  /** Lowest and highest of the repetitions. */
  range?: { min: number; max: number; runs: number | undefined }
}

/** Longer lists are samples and curves: those are compared as charts. */
const LONGEST_LIST = 6

/** Every figure in the data of an experiment, those that were repeated first. */
export function figuresOf(data: unknown): Figure[] {
  const figures = collect(data, '')
  return [...figures.filter(({ range }) => range), ...figures.filter(({ range }) => !range)]
}

function collect(value: unknown, path: string): Figure[] {
  if (typeof value === 'number') return [{ path, value }]
  if (Array.isArray(value)) {
    return value.length > LONGEST_LIST ? [] : value.flatMap((one, at) => collect(one, `${path}[${at}]`))
  }
  if (typeof value !== 'object' || value === null || 'buckets' in value) return []
  const repeated = rangeOf(value as Record<string, unknown>, path)
  if (repeated) return [repeated]
  return Object.entries(value).flatMap(([name, one]) => collect(one, path === '' ? name : `${path}.${name}`))
}

/** Repetitions are written down as `{ median, min, max, runs }`, with or without the values themselves. */
function rangeOf(
  { median, min, max, runs, n, values }: Record<string, unknown>,
  path: string,
): Figure | undefined {
  if (typeof median !== 'number' || typeof min !== 'number' || typeof max !== 'number') return undefined
  const listed = Array.isArray(values) ? values.length : undefined
  const counts = [runs, n, listed].find((count) => typeof count === 'number')
  return { path, value: median, range: { min, max, runs: counts } }
}
