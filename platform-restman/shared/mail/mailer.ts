import { bounded } from '@lab/kit/bounded.ts'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import nodemailer from 'nodemailer'
import type { Smtp } from './env.ts'

export interface Mail {
  to: string
  subject: string
  text: string
  /**
   * The same for every attempt to send the same mail. SMTP has no idempotency: where the answer to an accepted mail is lost,
   * it is sent again, and this is by what its receiver knows the two for one.
   */
  messageId: string
}

export interface Mailer {
  /**
   * Resolves when the server has accepted it. Rejects with a `LabError`: retryable where a later attempt may succeed, not
   * where the server will never take it.
   */
  send: (mail: Mail) => Promise<void>
  state: () => 'ok' | 'unreachable'
  /** Lets go of its connections; what is being sent fails. */
  close: () => void
}

const CONNECT_MS = 3_000
const SILENCE_MS = 5_000
/** For its turn in the pool and for the server: longer than this a mail is not waited for, whatever became of its connection. */
const SEND_MS = 30_000
const PROBE_MS = 2_000
const PROBE_HEALTHY_MS = 10_000

export function openMailer(smtp: Smtp, log: Logger): Mailer {
  const { host, port, username, password, from } = smtp
  const transport = nodemailer.createTransport({
    host,
    port,
    secure: port === 465,
    requireTLS: port === 587,
    ...(username && { auth: { user: username, pass: password ?? '' } }),
    pool: true,
    maxConnections: 4,
    maxMessages: 1_000,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // A mail is its text: nothing of it names a file or an address to be read here.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  let state: ReturnType<Mailer['state']> = 'unreachable'
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const become = (next: typeof state, err?: unknown) => {
    if (next !== state)
      log.info({ host, port, state: next, ...(err !== undefined && { err }) }, 'mail server')
    state = next
  }

  const probe = async () => {
    await transport.verify().then(
      () => become('ok'),
      (err) => become('unreachable', err),
    )
    if (!isClosed) timer = setTimeout(probe, state === 'ok' ? PROBE_HEALTHY_MS : PROBE_MS).unref()
  }
  void probe()

  return {
    async send({ to, subject, text, messageId }) {
      try {
        // An object, as a text may be read as several addresses.
        const sent = transport.sendMail({ from, to: { name: '', address: to }, subject, text, messageId })
        await bounded(sent, SEND_MS, 'the mail server')
        become('ok')
      } catch (err) {
        if (isRefused(err))
          throw new LabError('LAB_REQUEST_INVALID', `the mail server refuses it: ${messageOf(err)}`, {
            cause: err,
          })
        become('unreachable', err)
        throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `mail: ${messageOf(err)}`, {
          retryable: true,
          cause: err,
        })
      }
    },
    state: () => state,
    close: () => {
      isClosed = true
      clearTimeout(timer)
      transport.close()
    },
  }
}

/** A 5xx about this mail, and not about who sends it. */
const isRefused = (err: unknown): boolean => {
  const { responseCode = 0, code } = err as { responseCode?: number; code?: string }
  return responseCode >= 500 && code !== 'EAUTH'
}
