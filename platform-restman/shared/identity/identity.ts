import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'

export const ROLES_OF_PEOPLE = ['customer', 'owner', 'kitchen', 'admin'] as const
export const PersonRole = z.enum(ROLES_OF_PEOPLE).meta({ id: 'Role' })
export type PersonRole = z.infer<typeof PersonRole>

/** `anonymous`: somebody without a session, on a public route. `service`: another service of the platform. */
export type Role = PersonRole | 'anonymous' | 'service'

export interface Identity {
  /** Empty for `anonymous`; the service's name for `service`. */
  user_id: string
  email: string
  role: Role
  /** The one restaurant that role `kitchen` cooks for. */
  restaurant_id?: string | undefined
  /** The address from which the call came to the gateway. */
  client?: string | undefined
  /** The name of the session in the session store; nobody can sign in with it. */
  session?: string | undefined
}

const HEADER = 'x-identity'
/** Longer than any call is under way, and than clocks differ. */
const VALID_MS = 30_000

/** What a signed call carries: who calls, until when that is believed, and the proof that it comes from the gateway. */
export type IdentityHeaders = Record<string, string>

/** The `x-user-*` headers are for people who read along: only `x-identity` is believed. */
export function createSigner(secret: string, now = Date.now): (identity: Identity) => IdentityHeaders {
  return (identity) => {
    const claims = Buffer.from(JSON.stringify({ ...identity, expires: now() + VALID_MS })).toString(
      'base64url',
    )
    return {
      'x-user-id': identity.user_id,
      'x-user-email': identity.email,
      'x-user-role': identity.role,
      [HEADER]: `${claims}.${proofOf(claims, secret).toString('base64url')}`,
    }
  }
}

/** What a service sends along when it calls another one. */
export const createServiceSigner = (secret: string, service: string): (() => IdentityHeaders) => {
  const sign = createSigner(secret)
  return () => sign({ user_id: service, email: '', role: 'service' })
}

/** Who calls, or undefined where the gateway has not signed it, or too long ago. */
export function createVerifier(
  secret: string,
  now = Date.now,
): (headers: IncomingHttpHeaders) => Identity | undefined {
  return (headers) => {
    const [claims = '', proof = '', more] = String(headers[HEADER] ?? '').split('.')
    const expected = proofOf(claims, secret)
    const given = Buffer.from(proof, 'base64url')
    if (more !== undefined || given.length !== expected.length || !timingSafeEqual(given, expected))
      return undefined
    const { expires, ...identity } = JSON.parse(Buffer.from(claims, 'base64url').toString())
    return expires > now() ? identity : undefined
  }
}

const proofOf = (claims: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`identity:${claims}`).digest()
