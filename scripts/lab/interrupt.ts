import { closeSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** Why the work ended early: a person, or the system, asked for it. */
export class Interrupted extends Error {
  /** 128 + the number of the signal, as shells count. */
  readonly exitCode: number

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = 128 + constants.signals[signal]
  }
}

export interface Interrupt {
  /** Aborted at the first signal with an `Interrupted`, or by an error nobody caught with that error. */
  signal: AbortSignal
  /** What a second signal does, while the first one is being answered. */
  onSecond: (force: () => Promise<void>) => void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How long before its parent a hang-up of both may have come. */
const HANG_UP_MS = 2_000

/**
 * Answers Ctrl-C: the first signal aborts, the second one forces, the third one ends the process (whose run folder then
 * takes its children along). Errors that nobody caught abort too, so they are cleaned up after like every other.
 */
export function watchSignals({ say }: { say: (text: string) => void }): Interrupt {
  const controller = new AbortController()
  let force: (() => Promise<void>) | undefined
  const survives = survivesHangUp()
  let received = 0
  let hungUpAt = Number.NEGATIVE_INFINITY

  const onSignal = (name: NodeJS.Signals) => {
    received++
    const interrupted = new Interrupted(name)
    if (received === 1) {
      say('stopping everything; press Ctrl-C once more to stop it the hard way')
      controller.abort(interrupted)
    } else if (received === 2 && force) {
      say('ending every process')
      force().catch((err: unknown) => controller.abort(err))
    } else {
      process.exit(interrupted.exitCode)
    }
  }
  const onHangUp = () => {
    hungUpAt = performance.now()
    if (!survives) onSignal('SIGHUP')
  }
  for (const name of SIGNALS) process.on(name, name === 'SIGHUP' ? onHangUp : onSignal)
  process.on('uncaughtException', (err) => controller.abort(err))
  process.on('unhandledRejection', (err) => controller.abort(err))
  abortOnClosedPipe(controller)
  if (process.env.npm_lifecycle_event) {
    // npm itself dies of a hang-up, and so does its shell: neither has then told us to end.
    const diesOfHangUp = survives && !isShell(process.ppid)
    onLostParent(() => {
      if (diesOfHangUp || (survives && performance.now() - hungUpAt < HANG_UP_MS)) return
      onSignal('SIGTERM')
    })
  }
  return {
    signal: controller.signal,
    onSecond: (run) => {
      force = run
      if (received >= 2) run().catch((err: unknown) => controller.abort(err))
    },
  }
}

/** `npm run lab | head` closes the pipe: nobody reads on, so the work ends. */
function abortOnClosedPipe(controller: AbortController): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (err: NodeJS.ErrnoException) => {
      if (err.code === 'EIO') return // the terminal is gone; if that is to end the work, a hang-up says so
      controller.abort(err.code === 'EPIPE' ? new Interrupted('SIGPIPE') : err)
    })
  }
}

const PARENT_EVERY_MS = 250

/**
 * npm passes a SIGTERM on to the shell it started, and a shell ends without passing it on. An npm script whose parent is
 * gone has therefore been told to end.
 */
function onLostParent(end: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    setImmediate(end) // a hang-up that ended the parent has reached us too, and is answered after the timers
  }, PARENT_EVERY_MS).unref()
}

/**
 * Whether this was started to outlive its terminal. Node sets a signal that was ignored at the start back to its usual
 * effect, so `nohup` cannot be seen as such; but it leaves no stream on a terminal, and `setsid` leaves no terminal at all.
 */
function survivesHangUp(): boolean {
  if (![process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) return true
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'ENXIO'
  }
}

/** npm starts a script in a shell, and some shells replace themselves by it: a SIGTERM that npm passes on then arrives. */
function isShell(pid: number): boolean {
  try {
    return /^(ba|da|a|z|k|mk)?sh$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
  } catch {
    return true // not Linux: then only a hang-up that was seen tells
  }
}
