/** A stretch of a plan in which the rate goes in a straight line from one value to another. */
export interface Segment {
  fromPerSecond: number
  toPerSecond: number
  /** Infinity for a constant rate without an end. */
  seconds: number
}

/** When orders are sent, whatever becomes of them. */
export interface RatePlan {
  /** `even`: equal gaps. `poisson`: independent arrivals with this mean, as from many people who do not know each other. */
  arrivals: 'even' | 'poisson'
  segments: Segment[]
}

const RATE_SYNTAX =
  "'200/s', '200/s for 30s', '50..500/s over 60s' or '100,200,400/s every 10s', each with 'poisson ' before it if wanted"

/** A rate that cannot be read. The message names the part that is wrong. */
export class RateSyntaxError extends Error {
  constructor(text: string, problem: string) {
    super(`rate '${text}': ${problem}; write ${RATE_SYNTAX}`)
    this.name = 'RateSyntaxError'
  }
}

/** Above this one process cannot keep a schedule, so such a rate is a slip of the finger. */
const MAX_PER_SECOND = 100_000
const KEYWORDS = { constant: 'for', ramp: 'over', steps: 'every' } as const
const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60 }

/** Reads a rate plan. Throws `RateSyntaxError`. */
export function parseRate(text: string): RatePlan {
  const wrong = (problem: string): never => {
    throw new RateSyntaxError(text, problem)
  }
  const words = text.trim().split(/\s+/)
  const arrivals = words[0] === 'poisson' ? 'poisson' : 'even'
  if (arrivals === 'poisson') words.shift()
  const [rates = '', keyword, length, ...rest] = words
  if (rates === '') wrong('no rate is given')
  if (rest.length > 0) wrong(`'${rest.join(' ')}' is one word too many`)

  const { shape, values } = readRates(rates, wrong)
  const expected = KEYWORDS[shape]
  if (keyword === undefined) {
    if (shape !== 'constant') wrong(`'${rates}' lacks its duration ('${expected} 10s')`)
  } else if (keyword !== expected) {
    wrong(`'${keyword}' does not go with '${rates}', '${expected}' does`)
  }
  const seconds =
    keyword === undefined ? Infinity : readSeconds(length ?? wrong(`'${keyword}' lacks its duration`), wrong)
  return { arrivals, segments: segmentsOf(shape, values, seconds) }
}

/** How long a plan lasts, in seconds; Infinity when it has no end. */
export const secondsOf = ({ segments }: RatePlan): number =>
  segments.reduce((sum, { seconds }) => sum + seconds, 0)

/** The same plan, ending after `seconds` if it had no end of its own. */
export const endingAfter = (plan: RatePlan, seconds: number): RatePlan => ({
  ...plan,
  segments: plan.segments.map((segment) =>
    segment.seconds === Infinity ? { ...segment, seconds } : segment,
  ),
})

/** The plan in words, for a report: `200 orders/s for 30 s, Poisson arrivals`. */
export function describeRate({ arrivals, segments }: RatePlan): string {
  const words = segments.map(({ fromPerSecond: from, toPerSecond: to, seconds }) => {
    const rate = from === to ? `${from} orders/s` : `${from} to ${to} orders/s`
    return seconds === Infinity ? rate : `${rate} for ${seconds} s`
  })
  return words.join(', then ') + (arrivals === 'poisson' ? ', Poisson arrivals' : ', evenly spaced')
}

type Shape = keyof typeof KEYWORDS
type Wrong = (problem: string) => never

function readRates(text: string, wrong: Wrong): { shape: Shape; values: number[] } {
  const [numbers = '', unit, ...more] = text.split('/')
  if (unit === undefined) wrong(`'${text}' has no unit, '${text}/s' has`)
  if (unit !== 's' || more.length > 0) wrong(`'/${[unit, ...more].join('/')}' is no unit of rate, '/s' is`)
  const shape = numbers.includes('..') ? 'ramp' : numbers.includes(',') ? 'steps' : 'constant'
  const parts = numbers.split(shape === 'ramp' ? '..' : ',')
  if (shape === 'ramp' && parts.length !== 2) wrong(`'${numbers}' is no ramp from one rate to another`)
  const values = parts.map((part) => readPerSecond(part, wrong))
  if (values.every((value) => value === 0)) wrong(`'${numbers}' never sends an order`)
  return { shape, values }
}

function readPerSecond(text: string, wrong: Wrong): number {
  if (!/^\d+(\.\d+)?$/.test(text)) wrong(`'${text}' is not a number of orders per second`)
  const value = Number(text)
  return value > MAX_PER_SECOND ? wrong(`'${text}' is above ${MAX_PER_SECOND} orders per second`) : value
}

function readSeconds(text: string, wrong: Wrong): number {
  const [, value, unit] =
    /^(\d+(?:\.\d+)?)(.*)$/.exec(text) ?? wrong(`'${text}' is not a duration such as 30s`)
  const inSeconds = UNITS[unit ?? '']
  if (inSeconds === undefined) wrong(`'${text}' needs a unit of time: ${Object.keys(UNITS).join(', ')}`)
  const seconds = Number(value) * inSeconds!
  return seconds > 0 ? seconds : wrong(`'${text}' is no time at all`)
}

function segmentsOf(shape: Shape, values: number[], seconds: number): Segment[] {
  if (shape === 'ramp') return [{ fromPerSecond: values[0]!, toPerSecond: values[1]!, seconds }]
  return values.map((value) => ({ fromPerSecond: value, toPerSecond: value, seconds }))
}
