import { LabError, messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import type { IdentityHeaders } from '../identity/identity.ts'

export interface Neighbour {
  /** Signed by this service. Rejects when no answer comes in time. */
  call: (method: 'GET' | 'POST', path: string, body?: object) => Promise<{ status: number; body: unknown }>
  close: () => Promise<void>
}

const CALL_MS = 3_000

/** Another service of the platform, as this one calls it. */
export function openNeighbour(name: string, url: string, sign: () => IdentityHeaders): Neighbour {
  const pool = new Pool(url, { connections: 4, connect: { timeout: CALL_MS } })
  return {
    async call(method, path, body) {
      try {
        const response = await pool.request({
          method,
          path,
          headers: { ...sign(), ...(body && { 'content-type': 'application/json' }) },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(CALL_MS),
        })
        const text = await response.body.text()
        return { status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) }
      } catch (err) {
        throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `${name} is away: ${messageOf(err)}`, {
          retryable: true,
          cause: err,
        })
      }
    },
    close: () => pool.destroy(),
  }
}
