import type { IncomingMessage } from 'node:http'
import { LabError } from '@lab/kit/errors.ts'
import type { Identity, Role } from '../shared/identity/identity.ts'
import type { Sessions } from '../shared/redis/sessions.ts'
import type { Limit } from './limits.ts'
import { type ServiceKey, targetOf } from './route-map.ts'

export interface Limits {
  /** Of one address, whatever it asks for. */
  client: Limit
  /** Of one address, on the routes without a session. */
  signIn: Limit
  /** Of one account, from whatever address. */
  account: Limit
}

export interface AdmissionDeps {
  sessions: Pick<Sessions, 'find'>
  limits: Limits
  clientOf: (request: IncomingMessage) => string
}

/** Where a request may go, and as whom; as nobody where only the health of a service is asked. */
export interface Admitted {
  service: ServiceKey
  identity: Identity | undefined
}

const TOKEN = /^Bearer ([\w-]{43})$/i

/** Decides before the body of a request is read. Throws what the caller is answered when it may not come in. */
export function admission({ sessions, limits, clientOf }: AdmissionDeps) {
  return async (request: IncomingMessage): Promise<Admitted> => {
    const { method = '', url = '', headers } = request
    const target = targetOf(method, url)
    if (!target) throw new LabError('LAB_NOT_FOUND', `${method} ${url} does not exist`)
    const { kind, service } = target
    const client = clientOf(request)
    limits.client.take(client)
    if (kind === 'health') return { service, identity: undefined }
    if (kind === 'public') {
      limits.signIn.take(client)
      return { service, identity: { user_id: '', email: '', role: 'anonymous', client } }
    }

    const token = TOKEN.exec(headers.authorization ?? '')?.[1]
    const found = token === undefined ? undefined : await sessions.find(token)
    if (!found)
      throw new LabError(
        'LAB_UNAUTHENTICATED',
        'authorization: send `Bearer` and the session_token of a session',
      )
    limits.account.take(found.user_id)
    const { user_id, email, role, restaurant_id, session } = found
    return { service, identity: { user_id, email, role: role as Role, restaurant_id, client, session } }
  }
}
