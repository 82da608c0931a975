/** A value as the reader of a JSON file will see it: `undefined` is absent, dates are text, `NaN` is null. */
export const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The first number that JSON would turn into null, with where it is, e.g. `charts[0].series[1].points[3][1]`. */
export function notFinite(value: unknown, field = ''): { field: string; value: number } | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { field, value }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, one] of Object.entries(value)) {
    const found = notFinite(one, Array.isArray(value) ? `${field}[${name}]` : within(field, name))
    if (found) return found
  }
  return undefined
}

const within = (field: string, name: string) => (field === '' ? name : `${field}.${name}`)
