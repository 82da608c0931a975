import { lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Nothing in there is the repository's own. */
const LEFT_OUT = new Set(['node_modules', '.git', 'results', '.vitest'])

/** A copy of the repository in which anything may be broken. What is installed is linked; its own packages, to the copy. */
export async function copyRepository(root: string, into: string): Promise<void> {
  await cp(root, into, { recursive: true, filter: (from) => !LEFT_OUT.has(basename(from)) })
  linkInstalled(join(root, 'node_modules'), join(into, 'node_modules'))
}

function linkInstalled(from: string, into: string): void {
  mkdirSync(into)
  for (const name of readdirSync(from)) {
    const installed = join(from, name)
    if (lstatSync(installed).isSymbolicLink()) symlinkSync(readlinkSync(installed), join(into, name))
    else if (name.startsWith('@')) linkInstalled(installed, join(into, name))
    // Caches of tools are the repository's, not the copy's.
    else if (name === '.bin' || !name.startsWith('.')) symlinkSync(installed, join(into, name))
  }
}
