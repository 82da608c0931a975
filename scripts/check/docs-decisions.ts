import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './finding.ts'
import { dependenciesOf, manifests } from './packages.ts'
import { readText } from './tree.ts'

const page = 'docs/decisions.md'

/** Every dependency has its row in the decisions, and every row its dependency. */
export function decisionFindings(root: string): Finding[] {
  const used = new Set(manifests(root).flatMap((manifest) => dependenciesOf(root, manifest)))
  const rows = existsSync(join(root, page)) ? dependencyRows(readText(root, page)) : new Set<string>()
  const undecided = used.difference(rows)
  const gone = rows.difference(used)
  return [
    ...[...undecided].map((name) => ({ file: page, message: `no row for the dependency '${name}'` })),
    ...[...gone].map((name) => ({ file: page, message: `a row for '${name}', which nothing depends on` })),
  ]
}

/** Names in the first column of the table under the heading `Dependencies`. */
function dependencyRows(markdown: string): Set<string> {
  const [, section = ''] = markdown.split(/^## Dependencies$/m)
  const [table = ''] = section.split(/^## /m)
  const firstCells = [...table.matchAll(/^\|([^|]*)\|/gm)].map((match) => match[1] ?? '')
  return new Set(
    firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')),
  )
}
