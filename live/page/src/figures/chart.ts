/** The line of a chart as SVG path data, with a gap where a value is not known. */
export function pathOf(
  points: readonly { at: number; value: number | null }[],
  { from, to, max, width, height }: { from: number; to: number; max: number; width: number; height: number },
): string {
  const span = Math.max(1, to - from)
  let isOn = false
  let path = ''
  for (const { at, value } of points) {
    if (value === null) {
      isOn = false
      continue
    }
    const x = (((at - from) / span) * width).toFixed(1)
    const y = (height - (value / Math.max(1e-9, max)) * height).toFixed(1)
    path += `${isOn ? 'L' : 'M'}${x} ${y}`
    isOn = true
  }
  return path
}

/** A round number at or above the value: the top of an axis. */
export function roundUp(value: number): number {
  if (value <= 10) return 10
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value)!
}
