import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What git ignores too: nothing in there is the repository's own. */
const ignored = new Set(['node_modules', '.git', 'results', '.vitest'])

/** Files under `root` that match one of the patterns, as sorted paths relative to it. */
export function filesOf(root: string, patterns: string | readonly string[]): string[] {
  const found = globSync(patterns, {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => ignored.has(entry.name),
  })
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length))
    .sort()
}

export const readText = (root: string, file: string): string => readFileSync(join(root, file), 'utf8')

/** Typed by the caller: the repository's own package.json files are the only ones read. */
export const readJson = <T>(root: string, file: string): T => JSON.parse(readText(root, file)) as T

export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
