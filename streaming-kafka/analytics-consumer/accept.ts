const TEXT = ['text/plain', 'application/openmetrics-text', 'text/*']
const JSON_TYPES = ['application/json', 'application/*', '*/*']

/** Whether a client would rather have Prometheus text than JSON. Without a preference JSON is answered. */
export function prefersText(accept: string | undefined): boolean {
  const wanted = (accept ?? '').split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const best = (types: string[]) =>
    Math.max(0, ...wanted.filter(({ type }) => types.includes(type)).map(({ quality }) => quality))
  return best(TEXT) > best(JSON_TYPES)
}
