import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 16_384

/** The last lines of a log, indented for an error message; a plain word when there is none. */
export function logTail(file: string, lines = 12): string {
  const text = readTail(file).trimEnd()
  if (text === '') return `  (${file} is empty)`
  return text
    .split('\n')
    .slice(-lines)
    .map((line) => `  ${line}`)
    .join('\n')
}

/** At most the last 16 KiB of a file, '' when it cannot be read. */
export function readTail(file: string): string {
  let fd: number | undefined
  try {
    fd = openSync(file, 'r')
    const size = fstatSync(fd).size
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(fd, buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString('utf8')
  } catch {
    return '' // no log is nothing to show; the error it would illustrate is what matters
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
