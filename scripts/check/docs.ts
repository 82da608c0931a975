import { commandFindings } from './docs-commands.ts'
import { decisionFindings } from './docs-decisions.ts'
import { linkFindings } from './docs-links.ts'
import { traceFindings } from './docs-traces.ts'
import type { Finding } from './finding.ts'

/** Everything a document promises that a program can look up. */
export async function checkDocs(root: string): Promise<Finding[]> {
  return [
    ...linkFindings(root),
    ...(await commandFindings(root)),
    ...decisionFindings(root),
    ...traceFindings(root),
  ]
}
