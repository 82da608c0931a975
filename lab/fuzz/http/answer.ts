/** What came back, or why nothing did. */
export type Answer = Received | { error: string }

export interface Received {
  status: number
  contentType: string
  text: string
  error?: undefined
}

/** The body as JSON; undefined when it is none. */
export function jsonOf({ contentType, text }: Received): unknown {
  if (!contentType.includes('json')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // It says it is JSON and is not; whoever expects a document finds none.
    return undefined
  }
}
