import type { IncomingMessage } from 'node:http'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { createVerifier, type Identity, ROLES_OF_PEOPLE, type Role } from './identity.ts'

/**
 * Whose the object of a route is, where not everybody with the role may touch it. A stranger is answered 403 where everybody
 * may know of it, else 404.
 */
export type Owned = 'bill' | 'order' | 'restaurant' | 'ticket'

interface Access {
  'x-roles': Role[]
  'x-own'?: Owned
}

/**
 * Who may call a route, as part of its schema: the guard reads it, the OpenAPI document shows it, and the test of all roles
 * on all routes is made from there. `admin` may call whatever a person may.
 */
export function access(roles: readonly Role[], { own }: { own?: Owned } = {}): Access {
  const all = new Set<Role>(roles)
  if (ROLES_OF_PEOPLE.some((role) => all.has(role))) all.add('admin')
  return { 'x-roles': [...all], ...(own && { 'x-own': own }) }
}

/** The routes of a service, each of which says who may call it; only what the gateway or another service has signed comes in. */
export function guarded(secret: string, ...routes: RoutePlugin[]): RoutePlugin {
  const verify = createVerifier(secret)
  return async (app) => {
    app.addHook('onRoute', ({ method, url, schema }) => {
      if (!rolesOf(schema)) throw new Error(`${method} ${url} does not say who may call it`)
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const identity = verify(request.headers)
      const roles = rolesOf(request.routeOptions.schema) ?? []
      if (!identity)
        throw new LabError(
          'LAB_UNAUTHENTICATED',
          'Only the gateway may call this, signed, or another service',
        )
      if (!roles.includes(identity.role) && !roles.includes('anonymous'))
        throw new LabError('LAB_FORBIDDEN', `This is for: ${roles.join(', ')}`)
      identities.set(request.raw, identity)
      const { 'x-request-id': request_id, traceparent } = request.headers
      request.log = request.log.child({ request_id, trace_id: String(traceparent).split('-')[1] })
      done()
    })
    for (const plugin of routes) await app.register(plugin)
  }
}

const rolesOf = (schema: unknown) => (schema as Partial<Access> | undefined)?.['x-roles']

const identities = new WeakMap<IncomingMessage, Identity>()

/** Who calls, on a guarded route. */
export function identityOf({ raw }: { raw: IncomingMessage }): Identity {
  const identity = identities.get(raw)
  if (!identity) throw new Error('the route is not guarded')
  return identity
}
