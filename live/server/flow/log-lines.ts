import { open } from 'node:fs/promises'
import type { LogLine } from '../../wire/flow.ts'

/** How far back a log is searched. */
const SEARCHED_BYTES = 16 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024
const MAX_LINES = 100
const LEVELS: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** The lines of a service's log that name one of these ids, oldest first. A log that is not there has none. */
export async function linesAbout(file: string, ids: readonly string[]): Promise<LogLine[]> {
  const handle = await open(file).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return undefined
    throw err
  })
  if (!handle) return []
  try {
    const { size } = await handle.stat()
    const lines: LogLine[] = []
    let rest = Buffer.alloc(0)
    for (let at = Math.max(0, size - SEARCHED_BYTES); at < size && lines.length < MAX_LINES; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at)
      if (bytesRead === 0) break
      at += bytesRead
      const chunk = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      const end = chunk.lastIndexOf(10) + 1
      rest = chunk.subarray(end)
      if (ids.some((id) => chunk.includes(id))) lines.push(...matching(chunk.toString('utf8', 0, end), ids))
    }
    return lines.slice(0, MAX_LINES)
  } finally {
    await handle.close()
  }
}

function matching(text: string, ids: readonly string[]): LogLine[] {
  return text
    .split('\n')
    .filter((line) => ids.some((id) => line.includes(id)))
    .flatMap(parsed)
}

/** Lines that are not of our log, as a crash's are, name no order. */
function parsed(line: string): LogLine[] {
  try {
    const { time, level, service, msg, ...fields } = JSON.parse(line)
    return [
      {
        at: Number(time),
        service: String(service),
        level: LEVELS[level as number] ?? String(level),
        text: String(msg ?? ''),
        fields,
      },
    ]
  } catch {
    return []
  }
}
