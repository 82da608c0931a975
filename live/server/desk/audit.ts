import { closeSync, fdatasyncSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditEntry } from '../../wire/desk.ts'
import type { DeadLetter } from './letter.ts'

const REMEMBERED = 500

export interface Audit {
  /** On the disk when this returns. */
  write: (entry: Omit<AuditEntry, 'at'>) => void
  /** Whether a letter was sent back or discarded, by any desk that writes to this file. */
  isResolved: (letter: string) => boolean
  /** The last 500 entries, the newest first, without bodies. */
  recent: () => AuditEntry[]
}

/**
 * `audit.jsonl` in `folder`: one line for whatever a desk did, with the whole letter before it goes. Only ever appended to, and
 * shared by the page and the command line. It can hold what customers wrote, so it is its owner's alone.
 */
export function openAudit(folder: string): Audit {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'audit.jsonl')
  const resolved = new Set<string>()
  let recent: AuditEntry[] = []
  let position = 0
  let rest = Buffer.alloc(0)

  const inFile = <Result>(work: (fd: number) => Result): Result => {
    const fd = openSync(file, 'a+', 0o600)
    try {
      return work(fd)
    } finally {
      closeSync(fd)
    }
  }
  const note = (line: string) => {
    const entry = parse(line)
    if (!entry) return
    if (entry.action === 'sent' || entry.action === 'discarded') resolved.add(entry.letter)
    const { original: _, ...shown } = entry
    recent.unshift(shown)
  }
  /** What was added since the last reading, by whomever. */
  const catchUp = () =>
    inFile((fd) => {
      const chunk = Buffer.alloc(64 * 1024)
      while (position < fstatSync(fd).size) {
        const read = readSync(fd, chunk, 0, chunk.length, position)
        if (read === 0) break
        position += read
        rest = Buffer.concat([rest, chunk.subarray(0, read)])
        const end = rest.lastIndexOf('\n')
        for (const line of rest
          .subarray(0, end + 1)
          .toString()
          .split('\n'))
          note(line)
        rest = rest.subarray(end + 1)
        recent = recent.slice(0, REMEMBERED)
      }
    })
  return {
    write: (entry) =>
      inFile((fd) => {
        writeSync(fd, `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
        fdatasyncSync(fd)
      }),
    isResolved: (letter) => {
      catchUp()
      return resolved.has(letter)
    },
    recent: () => {
      catchUp()
      return recent
    },
  }
}

/** A line that was cut off by a crash says nothing. */
function parse(line: string): AuditEntry | undefined {
  try {
    return JSON.parse(line) as AuditEntry
  } catch {
    return undefined
  }
}

/** All of a letter, to be brought back by hand if need be. */
export function original({
  origin,
  reason,
  messageId,
  key,
  headers,
  properties,
  at,
  cameFrom,
  body,
}: DeadLetter) {
  const text = body.toString()
  const isText = Buffer.from(text).equals(body)
  return {
    origin,
    reason,
    messageId,
    key,
    at,
    cameFrom,
    headers,
    properties,
    body: isText ? text : body.toString('base64'),
    ...(!isText && { encoding: 'base64' as const }),
  }
}
