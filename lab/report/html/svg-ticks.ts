export interface Tick {
  value: number
  label: string
}

/** The smallest of 1, 2, 2.5, 5 × 10^k that is not below `least`. */
export function niceStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least))
  return decade * ([1, 2, 2.5, 5].find((factor) => factor * decade >= least * (1 - 1e-9)) ?? 10)
}

/** Multiples of the step within the ends; all of one axis with the same decimals and in the same thousands. */
export function linearTicks({ from, to, step }: { from: number; to: number; step: number }): Tick[] {
  const first = Math.ceil(from / step - 1e-9)
  const count = Math.floor(to / step + 1e-9) - first + 1
  const label = labelFor(Math.max(Math.abs(from), Math.abs(to)), step)
  return Array.from({ length: Math.max(0, count) }, (_, i) => {
    const value = (first + i) * step
    return { value, label: label(value) }
  })
}

/** Each decade, with 2 and 5 between where that is few enough to read; of very many decades every second or third. */
export function logTicks({ from, to }: { from: number; to: number }): Tick[] {
  const decades = Math.log10(to / from)
  const factors = decades <= 3 ? [1, 2, 5] : [1]
  const every = Math.ceil(decades / 7)
  const ticks: Tick[] = []
  for (let power = Math.floor(Math.log10(from) + 1e-9); power <= Math.log10(to) + 1e-9; power++) {
    if (power % every !== 0) continue
    for (const factor of factors) {
      const value = factor * 10 ** power
      if (value < from * (1 - 1e-9) || value > to * (1 + 1e-9)) continue
      ticks.push({ value, label: labelFor(value, value)(value) })
    }
  }
  return ticks
}

const PERCENTS = [0, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999]
/** Only where an axis ends early is there room for them. */
const BETWEEN = new Set([75, 95])

/** The first percentile with a figure that is not below. */
export const nextPercent = (percent: number): number =>
  PERCENTS.find((one) => one >= percent - 1e-9) ?? percent

/** `start` and `end` in nines: 1 is 90 %, 2 is 99 %. */
export function percentileTicks(start: number, end: number): Tick[] {
  const nines = (percent: number) => -Math.log10(1 - percent / 100)
  return PERCENTS.filter((percent) => nines(percent) >= start - 1e-9 && nines(percent) <= end + 1e-9)
    .filter((percent) => !BETWEEN.has(percent) || end - start < 2.5)
    .map((percent) => ({ value: percent, label: String(percent) }))
}

const SUFFIXES = [
  { above: 1e12, factor: 1e12, suffix: ' T' },
  { above: 1e9, factor: 1e9, suffix: ' G' },
  { above: 1e7, factor: 1e6, suffix: ' M' },
]

function labelFor(largest: number, step: number): (value: number) => string {
  const { factor, suffix } = SUFFIXES.find(({ above }) => largest >= above) ?? { factor: 1, suffix: '' }
  const decimals = decimalsOf(step / factor)
  const format = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  return (value) => (value === 0 ? '0' : `${format.format(value / factor)}${suffix}`)
}

/** How many decimals tell neighbours apart: 0.25 needs two. */
function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = step * 10 ** decimals
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals
  }
  return 12
}
