/** How long ago, in one unit. */
export function ageOf(at: number | undefined, now: number): string {
  if (at === undefined) return 'of unknown age'
  const seconds = Math.max(0, Math.round((now - at) / 1_000))
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`
}
