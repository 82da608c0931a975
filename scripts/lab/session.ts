import { openSession, type Session } from '@lab/lab/run/session.ts'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { watchSignals } from './interrupt.ts'

/** How long work may take to notice that it was interrupted; then everything is closed under it. */
const NOTICE_MS = 15_000

/**
 * Opens a session, does `work`, and closes the session whatever happens: an error, Ctrl-C, an error nobody caught.
 * Answers the exit code of the work; rejects with the reason when it was interrupted.
 */
export async function withSession(
  say: (text: string) => void,
  work: (session: Session) => Promise<number>,
  starter?: PartStarter,
): Promise<number> {
  const interrupt = watchSignals({ say })
  const { signal } = interrupt
  const session = await openSession({ env: process.env, signal, progress: say, starter })
  interrupt.onSecond(session.force)
  try {
    signal.throwIfAborted()
    const code = await orAborted(work(session), signal)
    signal.throwIfAborted()
    return code
  } finally {
    await session.close(say)
  }
}

/** What the work answers. Once aborted it is given time to end by itself, and the reason of the abort is the error. */
async function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const overdue = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  signal.addEventListener('abort', () => {
    timer = setTimeout(() => overdue.reject(signal.reason), NOTICE_MS)
  })
  try {
    return await Promise.race([work, overdue.promise])
  } catch (err) {
    throw signal.aborted ? signal.reason : err
  } finally {
    clearTimeout(timer)
  }
}
