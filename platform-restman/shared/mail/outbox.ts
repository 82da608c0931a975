import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { pause } from '@lab/kit/wait.ts'
import type { Db, Tx } from '../db/db.ts'
import type { Mail, Mailer } from './mailer.ts'

/** Puts a mail out in the transaction of what it tells; one with the same Message-ID is the same mail. */
export async function addMail(tx: Tx, { messageId, to, subject, text }: Mail): Promise<void> {
  await tx.query(
    'insert into mails (message_id, recipient, subject, body) values ($1, $2, $3, $4) on conflict (message_id) do nothing',
    [messageId, to, subject, text],
  )
}

export interface MailSender {
  /** Something was put out: looks at once. */
  pump: () => void
  /** Lets the mail in hand end. */
  close: () => Promise<void>
}

interface Row {
  message_id: string
  recipient: string
  subject: string
  body: string
  tries: number
}

const BATCH = 20
const IDLE_MS = 500
const MAX_TRIES = 30
const MAX_WAIT_MS = 60_000
/** So long a mail is this process's alone: longer than a server may take to answer. */
const CLAIM = `interval '30 seconds'`

/**
 * Sends what is in the outbox of mails: each is claimed, sent, and marked. A process that dies after the server has it and
 * before it is marked leaves it to be sent again, with the same Message-ID. Tries are bounded.
 */
export function startMailSender(db: Db, mailer: Mailer, log: Logger): MailSender {
  const closing = new AbortController()
  let wake = () => {}

  const claim = () =>
    db.query<Row>(
      `update mails set tries = tries + 1, due_at = now() + ${CLAIM}
       where message_id in (
         select message_id from mails where sent_at is null and refused is null and due_at <= now()
         order by due_at limit ${BATCH} for update skip locked)
       returning message_id, recipient, subject, body, tries`,
    )

  async function send({ message_id, recipient, subject, body, tries }: Row): Promise<void> {
    try {
      await mailer.send({ to: recipient, subject, text: body, messageId: message_id })
      await db.query('update mails set sent_at = now() where message_id = $1', [message_id])
      log.info({ message_id, tries }, 'mail sent')
    } catch (err) {
      const isRefused = (err instanceof LabError && !err.retryable) || tries >= MAX_TRIES
      const waitMs = Math.min(2 ** tries * 250, MAX_WAIT_MS)
      await db.query(
        `update mails set due_at = now() + $2::float8 * interval '1 millisecond', refused = $3 where message_id = $1`,
        [message_id, waitMs, isRefused ? messageOf(err) : null],
      )
      log.warn({ err, message_id, tries }, isRefused ? 'mail given up' : 'mail waits')
    }
  }

  const finished = (async () => {
    while (!closing.signal.aborted) {
      let count = 0
      try {
        const mails = await claim()
        count = mails.length
        for (const mail of mails) await send(mail)
      } catch (err) {
        log.debug({ err }, 'mails wait for the database')
      }
      if (count === 0)
        await Promise.race([
          pause(IDLE_MS, closing.signal),
          new Promise<void>((resolve) => {
            wake = resolve
          }),
        ])
    }
  })()

  return {
    pump: () => wake(),
    close: async () => {
      closing.abort()
      await finished
    },
  }
}
