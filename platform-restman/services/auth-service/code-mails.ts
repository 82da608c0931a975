import { randomUUID } from 'node:crypto'
import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { pause } from '@lab/kit/wait.ts'
import type { Mailer } from '../../shared/mail/mailer.ts'
import { CODE_SECONDS } from './otp.ts'

export interface CodeMails {
  /** Returns at once: how long an address takes to get its mail is nobody's business who asks for it. */
  send: (email: string, code: string) => void
  close: () => void
}

const WAITING = 1_000
const AGAIN_MS = 2_000

/**
 * Codes on their way. They are in memory alone: a code that is written down is one that can be read. Whoever asked before a
 * crash asks again.
 */
export function createCodeMails(mailer: Mailer, log: Logger, now = Date.now): CodeMails {
  const closing = new AbortController()
  let waiting = 0

  async function deliver(email: string, code: string): Promise<void> {
    const goodUntil = now() + CODE_SECONDS * 1_000
    const mail = {
      to: email,
      subject: 'Your RestMan code',
      text: `Your code is ${code}. It is good for ${CODE_SECONDS / 60} minutes and for one sign-in.\n\nIf you did not ask for it, nothing happens without it.\n`,
      messageId: `<otp-${randomUUID()}@restman>`,
    }
    // A code that is no longer good is not worth a mail.
    while (now() < goodUntil && !closing.signal.aborted) {
      try {
        return await mailer.send(mail)
      } catch (err) {
        log.warn({ err }, 'code not mailed')
        if (!(err instanceof LabError && err.retryable)) return
        await pause(AGAIN_MS, closing.signal)
      }
    }
  }
  return {
    send: (email, code) => {
      if (waiting >= WAITING)
        throw new LabError('LAB_OVERLOADED', 'Too many mails are waiting', { retryable: true })
      waiting++
      void deliver(email, code).finally(() => {
        waiting--
      })
    },
    close: () => closing.abort(),
  }
}
