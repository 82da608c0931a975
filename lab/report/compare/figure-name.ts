import { STYLE } from '../../experiments/offered-load.ts'

/** Data keep units in their names; people read them as the report's tables have them. */
const UNITS: [suffix: RegExp, unit: string, factor: number][] = [
  [/_us$/, ' ms', 1 / 1_000],
  [/_ms$/, ' ms', 1],
  [/(_|^)seconds$/, ' s', 1],
  [/_per_second$/, '/s', 1],
  [/_per_minute$/, '/min', 1],
  [/_bytes$/, ' MB', 1 / 1e6],
]

/** Said in another way in the tables; '' stands for nothing that a reader needs. */
const WORDS: Record<string, string> = {
  acceptance: 'accepted',
  completion: 'done',
  outcomes: 'answers',
  statuses: 'answers',
  few_samples: '',
}

/** The name of the figure at this path, and what its value is multiplied by to have the unit in the name. */
export function nameOf(path: string[]): { name: string; factor: number } {
  const [suffix, unit, factor] = UNITS.find(([ending]) => ending.test(path.at(-1) ?? '')) ?? [/$^/, '', 1]
  const last = (path.at(-1) ?? '').replace(suffix, '')
  const name = [...path.slice(0, -1), last]
    .map(inWords)
    .filter((words) => words !== '')
    .join(', ')
  return { name: `${name}${unit}`.trim(), factor }
}

/** What tells an element of a list from the others, and the keys that say so. */
export function nameOfElement(element: unknown, list: string, at: number): { name: string; told: string[] } {
  const found = typeof element === 'object' && element !== null ? Object.entries(element) : []
  const told = found.filter(([key, value]) => TELLING[key]?.(value) !== undefined)
  if (told.length === 0) return { name: `${inWords(list).replace(/s$/, '')} ${at + 1}`, told: [] }
  return { name: told.map(([key, value]) => TELLING[key]!(value)).join(' '), told: told.map(([key]) => key) }
}

const word = (value: unknown) => (typeof value === 'string' ? inWords(value) : undefined)
const number = (text: (value: number) => string) => (value: unknown) =>
  typeof value === 'number' ? text(value) : undefined

const TELLING: Record<string, (value: unknown) => string | undefined> = {
  part: word,
  style: word,
  phase: word,
  name: word,
  what: word,
  fault: word,
  rate: number((rate) => `at ${rate}/s`),
  repetition: number((turn) => `run ${turn + 1}`),
  orders: number((count) => `${count} orders`),
  count: number((count) => `${count} orders`),
}

/** `sync-rest_acceptance_at_50` is `HTTP accepted at 50/s`, `whileStopped` is `while stopped`. */
function inWords(key: string): string {
  if (WORDS[key] !== undefined) return WORDS[key]
  const styled = Object.entries(STYLE).reduce((text, [part, style]) => text.replace(part, style), key)
  return styled
    .replace(/_at_(\d+)$/, '_at_$1/s')
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before}_${after.toLowerCase()}`)
    .split('_')
    .map((one) => WORDS[one] ?? one)
    .join(' ')
}
