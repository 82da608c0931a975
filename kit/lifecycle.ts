import closeWithGrace from 'close-with-grace'
import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'
import { loggedError } from './log-error.ts'

const FAULT = 'uncaughtException'

/** What a fault does until `closeOnSignal` takes over. */
let endStart = (_err: Error): void => {}

/**
 * Loads the configuration, or prints every problem and exits 1 before a socket opens. From then on a fault of the start
 * ends it in one line as well: Node would print a stack and every property of the error, passwords included.
 */
export function configOrExit<Config>(service: string, load: () => Config): Config {
  process.off(FAULT, endStart)
  endStart = (err) => {
    process.stderr.write(`${service}: could not start: ${JSON.stringify(loggedError(err))}\n`)
    process.exit(1)
  }
  process.on(FAULT, endStart)
  try {
    return load()
  } catch (err) {
    process.stderr.write(`${service}: the configuration is wrong\n${messageOf(err).replace(/^/gm, '  ')}\n`)
    process.exit(1)
  }
}

/**
 * Runs `close` once, on SIGTERM, SIGINT or a fault nobody caught. Exit 0 after a clean stop; exit 1 after a fault, or
 * past the deadline; a second signal ends the process at once.
 */
export function closeOnSignal(
  close: () => Promise<void>,
  { log, deadlineMs }: { log: Logger; deadlineMs: number },
): void {
  process.off(FAULT, endStart)
  closeWithGrace(
    { delay: deadlineMs, logger: false, onTimeout: () => log.error('stop deadline passed') },
    async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'stopping after a fault nobody caught')
      else log.info({ signal, deadlineMs }, 'stopping')
      await close()
      log.info('stopped')
      log.flush()
    },
  )
}
