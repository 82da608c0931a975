import { isTypedArray } from 'node:util/types'

/** AMQP's longest name or property. */
const MAX_SHORT_BYTES = 255
/** amqplib writes all properties of a message into one buffer of 64 KiB. */
const MAX_HEADERS_BYTES = 32 * 1024
const MAX_DEPTH = 16

/**
 * The headers of a delivery that a copy can carry. amqplib reads what it cannot write (a double far below zero
 * becomes an integer that is out of range), and when it throws over a message its list of confirms has one entry too many
 * for good: so nothing is handed to it that it might refuse. What is too large is left out.
 */
export const carried = (headers: Record<string, unknown>): Record<string, unknown> =>
  carriedTable(headers, createBudget(), 0)

/** Whether a name or property can be written: text that was no UTF-8 has grown when it was read, and a time can be any. */
export function fits(value: unknown): boolean {
  if (typeof value === 'string') return Buffer.byteLength(value) <= MAX_SHORT_BYTES
  return typeof value !== 'number' || Number.isSafeInteger(value)
}

/** Takes bytes of what is left, and answers whether there were as many. */
type Budget = (bytes: number) => boolean

function createBudget(): Budget {
  let left = MAX_HEADERS_BYTES
  return (bytes) => {
    if (bytes > left) return false
    left -= bytes
    return true
  }
}

/** More than a tag, a length and a number take. */
const OVERHEAD = 16

/** An own key `__proto__` is a header like any other. */
function carriedTable(table: object, take: Budget, depth: number): Record<string, unknown> {
  const entries = Object.entries(table).flatMap(([name, value]) => {
    if (!fits(name) || !take(Buffer.byteLength(name) + OVERHEAD)) return []
    const found = carriedValue(value, take, depth)
    return found === undefined ? [] : [[name, found] as const]
  })
  return Object.fromEntries(entries)
}

function carriedValue(value: unknown, take: Budget, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : { '!': 'double', value }
  if (typeof value === 'string' || isTypedArray(value))
    return take(Buffer.byteLength(value)) ? value : undefined
  if (typeof value !== 'object' || depth >= MAX_DEPTH) return undefined
  // A type that JavaScript has no value for, such as a timestamp; or a table with a key that amqplib takes for one.
  if ('!' in value) return undefined
  if (!Array.isArray(value)) return carriedTable(value, take, depth + 1)
  return value.map((item) => (take(OVERHEAD) ? carriedValue(item, take, depth + 1) : null) ?? null)
}
