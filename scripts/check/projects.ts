import { relative } from 'node:path'
import type { Finding } from './finding.ts'
import { run } from './process.ts'
import { bin } from './tools.ts'
import { filesOf } from './tree.ts'

/**
 * Asks vitest itself which project runs which file. Vitest ignores a workspace file it does not know without a word
 * and runs everything as one unnamed project, so a green run proves nothing about this.
 */
export async function checkProjects(root: string): Promise<Finding[]> {
  const tests = [...filesOf(root, '**/*.test.ts'), ...filesOf(root, '**/*.compose.ts')]
  const { code, output } = await run(bin('vitest'), ['list', '--filesOnly', '--json'], { cwd: root })
  const json = output.slice(output.indexOf('['))
  if (code !== 0 || !json.startsWith('[')) return [{ message: `vitest list answered ${code}: ${output}` }]

  const listed = JSON.parse(json) as { file: string; projectName?: string }[]
  const projectsOf = Map.groupBy(listed, ({ file }) => relative(root, file))
  return tests.flatMap((file) =>
    judge(file, projectsOf.get(file)?.map(({ projectName }) => projectName ?? '') ?? []),
  )
}

const EXPERIMENTS = /^lab\/experiments\/[^/]+\.int\.test\.ts$/

/**
 * A test file runs in one project, the one of its top folder. What needs Docker, and what needs both brokers, runs in a
 * project of its own.
 */
function judge(file: string, projects: string[]): Finding[] {
  const expected = expectedFor(file)
  if (projects.length === 1 && projects[0] === expected) return []
  const actual =
    projects.map((name) => (name === '' ? 'no named project' : `'${name}'`)).join(' and ') || 'nothing'
  return [{ file, message: `should run in project '${expected}', runs in ${actual}` }]
}

function expectedFor(file: string): string | undefined {
  if (file.endsWith('.compose.ts')) return 'compose'
  return EXPERIMENTS.test(file) ? 'experiments' : file.split('/')[0]
}
