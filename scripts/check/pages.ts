import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Finding } from './finding.ts'
import { dependenciesOf } from './packages.ts'
import { run } from './process.ts'
import { bin } from './tools.ts'
import { filesOf } from './tree.ts'

/**
 * Pages are typed apart: they know the DOM and no Node, and Svelte's checker needs another TypeScript than the one that
 * checks the rest.
 */
export async function checkPages(root: string): Promise<Finding[]> {
  const pages = filesOf(root, '*/page/package.json').map(dirname)
  if (pages.length === 0) return [{ severity: 'note', message: 'skipped: there is no page here' }]
  const findings = await Promise.all(pages.map((page) => checkPage(root, page)))
  return findings.flat()
}

async function checkPage(root: string, page: string): Promise<Finding[]> {
  const { code, output } = await run(...checkerOf(root, page), { cwd: join(root, page) })
  return code === 0 ? [] : [{ file: page, message: output }]
}

function checkerOf(root: string, page: string): [script: string, args: string[]] {
  if (!dependenciesOf(root, join(page, 'package.json')).includes('svelte-check'))
    return [bin('tsc'), ['-p', '.', '--noEmit', '--pretty', 'false']]
  const manifest = createRequire(join(root, page, 'package.json')).resolve('svelte-check/package.json')
  const args = ['--tsconfig', './tsconfig.json', '--output', 'human', '--fail-on-warnings', '--no-color']
  return [join(dirname(manifest), 'bin/svelte-check'), args]
}
