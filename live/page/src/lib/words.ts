/** A number as people read it; what is not known is said, never shown as 0. */
export const whole = (value: number | null | undefined): string =>
  value == null ? 'not known' : Math.round(value).toLocaleString('en')

export const perSecond = (value: number | null | undefined): string =>
  value == null ? '–' : value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })

export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return 'not known'
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}

export const clock = (at: number, withMillis = false): string => {
  const date = new Date(at)
  const text = date.toLocaleTimeString('en-GB', { hour12: false })
  return withMillis ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text
}

/** The end of an id tells orders of one second apart; its beginning is their time. */
export const short = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id)
