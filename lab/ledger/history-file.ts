import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { messageOf } from '@lab/kit/errors.ts'
import {
  HISTORY_VERSION,
  HistoryHeader,
  type HistoryRecord,
  HistoryRecordSchema,
  HistoryTrailer,
} from './history.ts'

export interface HistoryWriter {
  write: (record: HistoryRecord) => void
  /** Writes what is left and the closing line. Rejects when any part of the file could not be written. */
  close: () => Promise<void>
}

const BATCH_CHARACTERS = 64 * 1024

/**
 * Writes a history as JSON lines, in batches and in the background. The closing line tells a complete history from one
 * whose writer was killed. An existing file is never overwritten.
 */
export async function createHistoryFile(path: string): Promise<HistoryWriter> {
  const file = createWriteStream(path, { flags: 'wx' })
  await once(file, 'open')
  let failure: Error | undefined
  file.on('error', (err) => (failure ??= err))

  let batch = `${JSON.stringify({ history: HISTORY_VERSION })}\n`
  let records = 0
  return {
    write(record) {
      records++
      batch += `${JSON.stringify(record)}\n`
      if (batch.length < BATCH_CHARACTERS) return
      file.write(batch)
      batch = ''
    },
    async close() {
      file.end(`${batch}${JSON.stringify({ end: true, records })}\n`)
      if (!file.closed) await once(file, 'close').catch(() => {}) // its error is kept in `failure`
      if (failure)
        throw new Error(`the history '${path}' is incomplete: ${failure.message}`, { cause: failure })
    },
  }
}

class HistoryFileError extends Error {}

export interface HistoryFile {
  /** Can be read once. A line that is wrong throws a `HistoryFileError` that names it. */
  records: AsyncIterable<HistoryRecord>
  /**
   * Whether the history was written to its end; known once the records are read. A run that was killed leaves what is
   * there, and its last half line is passed over.
   */
  isComplete: () => boolean
}

/** Reads a history line by line, so that its size does not matter. */
export function openHistoryFile(path: string): HistoryFile {
  let isComplete = false
  return { records: readRecords(path, () => (isComplete = true)), isComplete: () => isComplete }
}

async function* readRecords(path: string, onEnd: () => void): AsyncGenerator<HistoryRecord> {
  let line = 0
  let records = 0
  const wrong = (why: string) => new HistoryFileError(`history '${path}', line ${line}: ${why}`)
  for await (const text of linesOf(path)) {
    line++
    const value = parse(text)
    if (value === undefined) throw wrong('it is not a JSON object')
    if (line === 1) {
      if (!HistoryHeader.safeParse(value).success)
        throw wrong(`it does not begin a history of version ${HISTORY_VERSION}`)
      continue
    }
    const trailer = Object.hasOwn(value, 'end') ? HistoryTrailer.safeParse(value) : undefined
    if (trailer?.success) {
      if (trailer.data.records !== records)
        throw wrong(`it counts ${trailer.data.records} records, and there are ${records}`)
      return onEnd()
    }
    const record = HistoryRecordSchema.safeParse(value)
    if (!record.success) throw wrong(messageOf(record.error))
    records++
    yield record.data as HistoryRecord
  }
  if (line === 0) throw wrong('it is empty')
}

/** Whole lines only: what follows the last line break was cut off when its writer was killed. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // the caller names the line
  }
}
