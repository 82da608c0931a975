import { join } from 'node:path'
import type { Finding } from './finding.ts'
import { run } from './process.ts'
import { filesOf } from './tree.ts'

const deadlineMs = 5_000

/** Every entry script explains itself: `--help` prints something and exits 0 within five seconds. */
export async function checkScripts(root: string): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const file of filesOf(root, 'scripts/*.ts').filter((name) => !name.endsWith('.test.ts'))) {
    const { code, output } = await run(join(root, file), ['--help'], { cwd: root, deadlineMs })
    if (code === 0 && output.trim() !== '') continue
    const how = code === undefined ? `did not end within ${deadlineMs} ms` : `exit ${code}`
    findings.push({ file, message: `--help: ${how}\n${output}` })
  }
  return findings
}
