import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { partNames } from './import-table.ts'

/** A part is self-contained: deleting the others is allowed, and what documents say about them is no finding then. */
export const absentParts = (root: string): string[] =>
  partNames.filter((part) => !existsSync(join(root, part)))
