/**
 * The value of a counter in Prometheus text: the sum of the series that carry all of `labels`. A counter that has not
 * counted yet is not in the text, so nothing found is 0.
 */
export function counterIn(text: string, name: string, labels: Record<string, string>): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
    .reduce((sum, line) => sum + Number(/} (\S+)/.exec(line)?.[1] ?? Number.NaN), 0)
}
