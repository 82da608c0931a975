import { createAdminDoor, isLocalName, isLoopback } from '@lab/kit/admin-door.ts'
import type { Door } from '@lab/kit/door.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { FastifyRequest } from 'fastify'

/**
 * Pages of other origins read nothing here, not even by a name of theirs that was made to lead here. A link on one of them
 * may be followed: a person then looks at this page.
 */
export const refuseForeignPages =
  ({ adminToken }: Door) =>
  ({ raw, headers }: FastifyRequest, _reply: unknown, done: (err?: Error) => void): void => {
    const { origin, host, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
    const isForeign =
      (origin !== undefined && !ownOrigins(host).includes(origin)) ||
      ((site === 'cross-site' || site === 'same-site') && mode !== 'navigate') ||
      (adminToken === undefined && isLoopback(raw.socket.remoteAddress) && !isLocalName(host))
    const refusal = 'This is for the page of this very address, not for other web pages'
    done(isForeign ? new LabError('LAB_FORBIDDEN', refusal) : undefined)
  }

const ownOrigins = (host = '') => [`http://${host}`, `https://${host}`]

/** What this caller has to show before it may give commands: nothing, the token, or there is no way. */
export function commandsFor({ adminToken }: Door, { raw, headers }: FastifyRequest) {
  if (adminToken !== undefined) return 'token'
  try {
    createAdminDoor(undefined)({ remoteAddress: raw.socket.remoteAddress, headers })
    return 'open'
  } catch {
    return 'closed'
  }
}
