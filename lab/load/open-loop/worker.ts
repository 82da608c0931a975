import { messageOf } from '@lab/kit/errors.ts'
import { createHistoryFile } from '../../ledger/history-file.ts'
import { generate } from './generator.ts'
import type { OpenLoopOptions } from './options.ts'
import type { FromWorker, ToWorker } from './process.ts'

/** When the parent is gone there is nobody to report to; a run that does not end by itself then is ended. */
const LAST_GRACE_MS = 2_000

const abort = new AbortController()
const tell = (message: FromWorker) => {
  // A parent that died while we wrote is met by 'disconnect'.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'start') void run(message.options)
  else abort.abort()
})
process.once('disconnect', () => {
  abort.abort()
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_GRACE_MS).unref()
})
// Ctrl-C and a hang-up reach the whole group of the terminal; the parent decides what it means for this run.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

async function run(options: OpenLoopOptions): Promise<void> {
  try {
    const history =
      options.historyFile === undefined ? undefined : await createHistoryFile(options.historyFile)
    const result = await generate(options, {
      signal: abort.signal,
      onSnapshot: (snapshot) => tell({ type: 'snapshot', snapshot }),
      ...(history && { onRecord: history.write }),
    }).finally(() => history?.close())
    tell({ type: 'result', result })
  } catch (err) {
    tell({ type: 'error', message: messageOf(err) })
  }
}
