import { randomUUID } from 'node:crypto'
import { waitFor } from '@lab/kit/wait.ts'
import { type StartPartOptions, startPart } from '@lab/stack/part.ts'
import type { MailServer } from '@lab/stack/servers/mail/index.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { part as spec } from '../part.ts'
import { type Answer, callUrl, expectStatus } from './call.ts'

export const ADMIN_EMAIL = 'user@example.com'
export const SECRET = 'the-secret-of-a-platform-under-test'

export interface Person {
  email: string
  user_id: string
  token: string
  get: (path: string) => Promise<Answer>
  send: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
}

export interface Platform {
  part: RunningPart
  gateway: string
  /** Asks the gateway as nobody. */
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  /** Signs in by a code that comes by mail. */
  signIn: (email?: string) => Promise<Person>
  admin: () => Promise<Person>
  /** Signs somebody new in and has the admin grant a role. */
  withRole: (role: string, restaurant_id?: string) => Promise<Person>
  /** The code in the newest mail to this address that is not among `known`. */
  codeFor: (email: string, known?: ReadonlySet<string>) => Promise<string>
  mailsTo: (email: string) => Promise<{ ID: string; Subject: string; Snippet: string; MessageID: string }[]>
}

/** The whole platform on the servers that are given, with limits that a test does not meet by accident. */
export const openPlatform = (options: StartPartOptions) => openPlatformOf(spec, options)
async function openPlatformOf(some: typeof spec, options: StartPartOptions): Promise<Platform> {
  const part = await startPart(some, {
    ...options,
    env: { GATEWAY_SECRET: SECRET, ADMIN_EMAIL, LOG_LEVEL: 'info', ...options.env },
    serviceEnv: {
      ...options.serviceEnv,
      gateway: {
        CLIENT_LIMIT: '1000000',
        ACCOUNT_LIMIT: '1000000',
        SIGN_IN_LIMIT: '1000000',
        ...options.serviceEnv?.gateway,
      },
    },
  })
  const gateway = part.services.gateway!.url
  const mail = part.servers.mail as MailServer
  const call: Platform['call'] = (method, path, ...rest) => callUrl(method, `${gateway}${path}`, ...rest)

  const mailsTo: Platform['mailsTo'] = async (email) => {
    const query = encodeURIComponent(`to:"${email}"`)
    return (await callUrl('GET', `${mail.apiUrl}/api/v1/search?query=${query}`)).json.messages
  }
  const codeFor: Platform['codeFor'] = (email, known = new Set()) =>
    waitFor(`a code for ${email}`, async () => {
      const found = (await mailsTo(email)).find(
        ({ ID, Snippet }) => !known.has(ID) && /\b\d{6}\b/.test(Snippet),
      )
      return found && /\b\d{6}\b/.exec(found.Snippet)![0]
    })
  const signIn: Platform['signIn'] = async (email = `${randomUUID()}@example.com`) => {
    const known = new Set((await mailsTo(email)).map(({ ID }) => ID))
    await expectStatus(call('POST', '/api/auth/request-otp', { email }), 202)
    const otp = await codeFor(email, known)
    const { json } = await expectStatus(call('POST', '/api/auth/verify-otp', { email, otp }), 200)
    return personOf(gateway, email, json)
  }
  let admin: Promise<Person> | undefined
  const platform: Platform = {
    part,
    gateway,
    call,
    signIn,
    codeFor,
    mailsTo,
    admin: () => {
      admin ??= signIn(ADMIN_EMAIL)
      return admin
    },
    withRole: async (role, restaurant_id) => {
      const person = await signIn()
      const grant = { email: person.email, role, ...(restaurant_id && { restaurant_id }) }
      await expectStatus((await platform.admin()).send('POST', '/api/auth/roles', grant), 200)
      return person
    },
  }
  return platform
}

function personOf(
  gateway: string,
  email: string,
  session: { session_token: string; user: { user_id: string } },
) {
  const token = session.session_token
  const send: Person['send'] = (method, path, body, headers) =>
    callUrl(method, `${gateway}${path}`, body, { authorization: `Bearer ${token}`, ...headers })
  return { email, token, user_id: session.user.user_id, send, get: (path: string) => send('GET', path) }
}

export interface Place {
  restaurant_id: string
  category_id: string
  food_id: string
}

/** A restaurant of this owner, with one food at 12.50. */
export async function openRestaurant(owner: Person, name = 'Trattoria Ada'): Promise<Place> {
  const { restaurant_id } = (await expectStatus(owner.send('POST', '/api/restaurants', { name }), 201)).json
  const category = { restaurant_id, name: 'Pizza' }
  const { category_id } = (await expectStatus(owner.send('POST', '/api/categories', category), 201)).json
  const food = { category_id, name: 'Pizza Margherita', price: 12.5 }
  const { food_id } = (await expectStatus(owner.send('POST', '/api/foods', food), 201)).json
  return { restaurant_id, category_id, food_id }
}
