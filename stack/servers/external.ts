/** The URL that a variable holds. */
export function readUrl(variable: string, env: NodeJS.ProcessEnv, protocols: string[]): URL {
  const value = env[variable] ?? ''
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (!url || !protocols.includes(url.protocol)) {
    const form = protocols.map((protocol) => `${protocol}//…`).join(' or ')
    throw new Error(`${variable} is not a URL of the form ${form}`) // not the value: it holds a password
  }
  return url
}
