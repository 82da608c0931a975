import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parts } from '../../parts.ts'
import { readJson } from './tree.ts'

export const partNames = parts.map(({ name }) => name)

/**
 * A part is self-contained: deleting the others is allowed, and what documents say about them is no finding then. The
 * lock file remembers a part that is no longer listed.
 */
export function absentParts(root: string): string[] {
  const known = [...partNames, ...lockedWorkspaces(root)]
  return known.filter((part) => !existsSync(join(root, part)))
}

function lockedWorkspaces(root: string): string[] {
  if (!existsSync(join(root, 'package-lock.json'))) return []
  const { packages } = readJson<{ packages: Record<string, { link?: boolean; resolved?: string }> }>(
    root,
    'package-lock.json',
  )
  return Object.values(packages).flatMap(({ link, resolved }) => (link && resolved ? [resolved] : []))
}
