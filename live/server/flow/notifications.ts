import { nextIn } from '@lab/kit/paging.ts'
import { request } from 'undici'

const PAGE = 200
const PAGES_AT_ONCE = 10
const CALL_MS = 3_000

/**
 * Who was notified, by the notification service's own list: each call answers what is new since the last one. The list is in
 * order, so of what was read before only the last page, which was not full, is read again.
 */
export function createNotifications(url: string): () => Promise<{ order_id: string; at: number }[]> {
  let path = `/notifications?limit=${PAGE}`
  let seen = 0
  return async () => {
    const news: { order_id: string; at: number }[] = []
    for (let page = 0; page < PAGES_AT_ONCE; page++) {
      const { statusCode, headers, body } = await request(`${url}${path}`, {
        signal: AbortSignal.timeout(CALL_MS),
      })
      if (statusCode !== 200) {
        await body.dump()
        // A cursor of a store that is gone: begin again.
        path = `/notifications?limit=${PAGE}`
        seen = 0
        return news
      }
      const rows = (await body.json()) as { order_id: string; at: number }[]
      news.push(...rows.slice(seen))
      const next = nextIn(headers.link as string | undefined)
      seen = next === undefined ? rows.length : 0
      if (next === undefined) return news
      path = next
    }
    return news
  }
}
