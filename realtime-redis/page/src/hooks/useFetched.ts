import { useEffect, useState } from 'react'

export interface Fetched<Answer> {
  answer: Answer | undefined
  /** Why the last attempt brought nothing; what is there then is older. */
  failure: string | undefined
}

/** What `get` answers, again whenever it is another one, and every so many milliseconds. An answer stays until there is a newer one. Without `get` nothing is asked. */
export function useFetched<Answer>(
  get: ((signal: AbortSignal) => Promise<Answer>) | undefined,
  everyMs?: number,
): Fetched<Answer> {
  const [fetched, setFetched] = useState<Fetched<Answer>>({ answer: undefined, failure: undefined })
  useEffect(() => {
    if (!get) return
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = async () => {
      try {
        const answer = await get(ended.signal)
        if (!ended.signal.aborted) setFetched({ answer, failure: undefined })
      } catch (err) {
        const failure = (err as Error).message
        if (!ended.signal.aborted) setFetched(({ answer }) => ({ answer, failure }))
      }
      if (everyMs !== undefined && !ended.signal.aborted) timer = setTimeout(load, everyMs)
    }
    void load()
    return () => {
      ended.abort()
      clearTimeout(timer)
    }
  }, [get, everyMs])
  return fetched
}
