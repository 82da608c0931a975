import { hash } from 'node:crypto'
import type { Results } from './results.ts'

/**
 * What a `results.json` carries about its own content: whoever changes a figure by hand leaves a digest that does not
 * match. It is no signature: somebody who means to deceive can compute it anew. Neither the layout of the file nor the
 * order of its fields is content, so a formatter that went over it has changed nothing.
 */
export function digestOf({ digest: _, ...content }: Record<string, unknown>): string {
  return `sha256:${hash('sha256', JSON.stringify(content, sorted))}`
}

export const withDigest = (content: Omit<Results, 'digest'>): Results => ({
  ...content,
  digest: digestOf(content),
})

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
