import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { filesOf, readJson } from './tree.ts'

interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** Names that the package.json at this path declares. */
export function dependenciesOf(root: string, manifest: string): string[] {
  const { dependencies, devDependencies, optionalDependencies } = readJson<Manifest>(root, manifest)
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
}

export const manifests = (root: string): string[] =>
  filesOf(root, ['package.json', '*/package.json', '*/page/package.json'])

/** Tools that the root declares once for every workspace. A service never runs them. */
const toolsForAll = ['vitest', 'fast-check']

/** What `file` may rely on: its workspace's own dependencies and the root's test tools. */
export function declaredFor(root: string, file: string): Set<string> {
  const own = join(workspaceOf(file), 'package.json')
  const atRoot = dependenciesOf(root, 'package.json')
  if (!existsSync(join(root, own))) return new Set(atRoot)
  return new Set([...dependenciesOf(root, own), ...atRoot.filter((name) => toolsForAll.includes(name))])
}

/** A part's page is a workspace inside the part's: it brings what only browsers and builds need. */
function workspaceOf(file: string): string {
  const [folder, inside] = file.split('/') as [string, string]
  return inside === 'page' ? join(folder, inside) : folder
}
