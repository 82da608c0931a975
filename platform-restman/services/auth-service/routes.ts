import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import { PersonRole, ROLES_OF_PEOPLE } from '../../shared/identity/identity.ts'
import type { Mailer } from '../../shared/mail/mailer.ts'
import type { Sessions } from '../../shared/redis/sessions.ts'
import { Email } from '../../shared/wire/text.ts'
import type { CodeMails } from './code-mails.ts'
import { CODE_SECONDS, GUESS_SECONDS, type Otp } from './otp.ts'
import type { Users } from './users.ts'

export interface AuthRoutesDeps {
  otp: Otp
  users: Users
  sessions: Sessions
  mailer: Mailer
  mails: CodeMails
  sessionSeconds: number
}

const User = z
  .object({
    user_id: z.uuid(),
    email: z.string(),
    role: PersonRole,
    restaurant_id: z.uuid().optional().describe('The restaurant that role `kitchen` cooks for'),
  })
  .meta({ id: 'User' })
const RequestOtp = z
  .strictObject({ email: Email })
  .meta({ id: 'RequestOtp', examples: [{ email: 'user@example.com' }] })
const CodeSent = z
  .object({ message: z.string(), expires_in: z.int().describe('Seconds') })
  .meta({ id: 'CodeSent' })
const VerifyOtp = z
  .strictObject({ email: Email, otp: z.string().regex(/^\d{6}$/, 'must be 6 digits') })
  .meta({ id: 'VerifyOtp', examples: [{ email: 'user@example.com', otp: '123456' }] })
const Session = z
  .object({
    session_token: z.string(),
    expires_in: z.int().describe('Seconds without a request after which it ends'),
    user: User,
  })
  .meta({ id: 'Session' })
const Grant = z
  .strictObject({ email: Email, role: PersonRole, restaurant_id: z.uuid().optional() })
  .refine(({ role, restaurant_id }) => (role === 'kitchen') === (restaurant_id !== undefined), {
    path: ['restaurant_id'],
    error: 'goes with role kitchen, and with no other',
  })
  .meta({ id: 'Grant', examples: [{ email: 'owner@example.com', role: 'owner' }] })

const inAuth = (summary: string) => ({ summary, tags: ['auth'] })

export function authRoutes(deps: AuthRoutesDeps): RoutePlugin {
  const { otp, users, sessions, mailer, mails, sessionSeconds } = deps
  return async (app) => {
    app.post(
      '/api/auth/request-otp',
      {
        schema: {
          ...inAuth('Ask for a code by mail; the answer is the same for every address'),
          ...access(['anonymous']),
          body: RequestOtp,
          response: { 202: CodeSent },
        },
      },
      async ({ body: { email } }, reply) => {
        if (mailer.state() !== 'ok')
          throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'The mail server is away')
        const code = await otp.issue(email)
        if (code !== undefined) mails.send(email, code)
        return reply.code(202).send({
          message: 'If this address gets mail, a code is on its way to it',
          expires_in: CODE_SECONDS,
        })
      },
    )

    app.post(
      '/api/auth/verify-otp',
      {
        schema: {
          ...inAuth('Sign in with the code; whoever comes for the first time becomes a customer'),
          ...access(['anonymous']),
          body: VerifyOtp,
          response: { 200: Session },
        },
      },
      async (request) => {
        const { email, otp: code } = request.body
        const verdict = await otp.verify(email, code, identityOf(request).client ?? '')
        if (verdict === 'too-many')
          throw new LabError('LAB_TOO_MANY_REQUESTS', 'Too many wrong codes for this address', {
            retryAfterSeconds: GUESS_SECONDS,
          })
        if (verdict === 'wrong')
          throw new LabError('LAB_UNAUTHENTICATED', 'otp: is not right, or no longer good')
        const user = await users.signIn(email)
        const session_token = await sessions.open(user)
        return { session_token, expires_in: sessionSeconds, user }
      },
    )

    app.get(
      '/api/auth/me',
      { schema: { ...inAuth('Who I am'), ...access(ROLES_OF_PEOPLE), response: { 200: User } } },
      async (request) => {
        const { user_id, email, role, restaurant_id } = identityOf(request)
        return { user_id, email, role: role as PersonRole, restaurant_id }
      },
    )

    app.post(
      '/api/auth/logout',
      {
        schema: {
          ...inAuth('End this session; there is no way to end another'),
          ...access(ROLES_OF_PEOPLE),
          response: { 204: z.null().describe('It is over') },
        },
      },
      async (request, reply) => {
        await sessions.close(identityOf(request).session!)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/api/auth/roles',
      {
        schema: {
          ...inAuth('Give somebody a role; it counts at once, also in open sessions'),
          ...access(['admin']),
          body: Grant,
          response: { 200: User },
        },
      },
      async ({ body }) => users.grant(body, sessions.store),
    )
  }
}
