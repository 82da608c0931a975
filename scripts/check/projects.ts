import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Finding } from './finding.ts'
import { run } from './process.ts'
import { bin } from './tools.ts'
import { filesOf } from './tree.ts'

interface Listed {
  file: string
  projectName?: string
}

/** What `npm run test:long` runs; `npm test` knows nothing of it. */
const LONG = 'vitest.long.ts'

/**
 * Asks vitest itself which project runs which file, of `npm test` and of `npm run test:long` together. Vitest ignores a
 * workspace file it does not know without a word and runs everything as one unnamed project, so a green run proves nothing
 * about this.
 */
export async function checkProjects(root: string): Promise<Finding[]> {
  const tests = [...filesOf(root, '**/*.test.ts'), ...filesOf(root, '**/*.compose.ts')]
  const listed: Listed[] = []
  for (const config of [[], ...(existsSync(join(root, LONG)) ? [['--config', LONG]] : [])]) {
    const list = await run(bin('vitest'), ['list', '--filesOnly', '--json', ...config], { cwd: root })
    const json = list.output.slice(list.output.indexOf('['))
    if (list.code !== 0 || !json.startsWith('['))
      return [{ message: `vitest list answered ${list.code}: ${list.output}` }]
    listed.push(...(JSON.parse(json) as Listed[]))
  }
  const projectsOf = Map.groupBy(listed, ({ file }) => relative(root, file))
  return tests.flatMap((file) =>
    judge(file, projectsOf.get(file)?.map(({ projectName }) => projectName ?? '') ?? []),
  )
}

/** A test file runs in one project, which the top folder and the end of its name decide. */
function judge(file: string, projects: string[]): Finding[] {
  const expected = expectedFor(file)
  if (projects.length === 1 && projects[0] === expected) return []
  const actual =
    projects.map((name) => (name === '' ? 'no named project' : `'${name}'`)).join(' and ') || 'nothing'
  return [{ file, message: `should run in project '${expected}', runs in ${actual}` }]
}

function expectedFor(file: string): string | undefined {
  const folder = file.split('/')[0]
  if (file.endsWith('.compose.ts')) return 'compose'
  if (file.endsWith('.long.test.ts')) return 'long'
  if (file.endsWith('.int.test.ts')) return `${folder}:processes`
  return file.endsWith('.timed.test.ts') ? `${folder}:timed` : folder
}
