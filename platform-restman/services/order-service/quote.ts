import { LabError, messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import { z } from 'zod'
import type { IdentityHeaders } from '../../shared/identity/identity.ts'

export const Quote = z.object({
  restaurant: z.object({ name: z.string(), owner_id: z.uuid(), is_open: z.boolean() }),
  foods: z.array(
    z.object({ food_id: z.uuid(), name: z.string(), price_cents: z.int(), is_available: z.boolean() }),
  ),
})
export type Quote = z.infer<typeof Quote>

export interface Quotes {
  /** Names and prices of this moment; undefined when there is no such restaurant. */
  of: (restaurantId: string, foodIds: string[]) => Promise<Quote | undefined>
  close: () => Promise<void>
}

export function openQuotes(url: string, timeoutMs: number, sign: () => IdentityHeaders): Quotes {
  const pool = new Pool(url, { connections: 32, connect: { timeout: timeoutMs } })
  return {
    async of(restaurant_id, food_ids) {
      try {
        const response = await pool.request({
          method: 'POST',
          path: '/internal/foods/quote',
          headers: { ...sign(), 'content-type': 'application/json' },
          body: JSON.stringify({ restaurant_id, food_ids }),
          signal: AbortSignal.timeout(timeoutMs),
        })
        const body = await response.body.json()
        if (response.statusCode === 404) return undefined
        if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`)
        return Quote.parse(body)
      } catch (err) {
        throw new LabError(
          'LAB_DEPENDENCY_UNAVAILABLE',
          `restaurant-service, which knows the prices, is away: ${messageOf(err)}`,
          { retryable: true, cause: err },
        )
      }
    },
    close: () => pool.destroy(),
  }
}
