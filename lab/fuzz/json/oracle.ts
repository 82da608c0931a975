import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Components, Schema } from './schema.ts'

/** Whether a value fits, judged by another library than the one the services use. */
export type Fits = (value: unknown) => boolean

/** Formats are not looked at: zod writes a pattern beside each. */
export function compile(schema: Schema, components: Components = {}): Fits {
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    validateFormats: false,
    unicodeRegExp: false,
  })
  const validate = ajv.compile({ ...schema, components: { schemas: components } })
  return (value) => validate(value) === true
}

/** What the bytes say, or undefined when they are not JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // JSON has no undefined, so it can stand for this.
    return undefined
  }
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf])

export const hasByteOrderMark = (bytes: Buffer): boolean => bytes.subarray(0, 3).equals(MARK)

/** The same for a body of a request, where a byte order mark may stand in front. */
export const parseBody = (bytes: Buffer): unknown =>
  parseJson(hasByteOrderMark(bytes) ? bytes.subarray(3) : bytes)

/** Whether a key is in it that would reach the prototype of an object it is copied to. */
export function reachesPrototype(value: unknown): boolean {
  const open = [value]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    if (Object.hasOwn(node, '__proto__')) return true
    const own: unknown = Object.hasOwn(node, 'constructor') ? node.constructor : undefined
    if (typeof own === 'object' && own !== null && Object.hasOwn(own, 'prototype')) return true
    open.push(...Object.values(node))
  }
  return false
}
