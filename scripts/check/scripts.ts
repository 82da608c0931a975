import { join } from 'node:path'
import type { Finding } from './finding.ts'
import { run } from './process.ts'
import { filesOf } from './tree.ts'

/** Every entry script explains itself: `--help` prints something and exits 0. The bound is for one that hangs, on a busy machine. */
export async function checkScripts(root: string, deadlineMs = 60_000): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const file of filesOf(root, 'scripts/*.ts').filter((name) => !name.endsWith('.test.ts'))) {
    const { code, output } = await run(join(root, file), ['--help'], { cwd: root, deadlineMs })
    if (code === 0 && output.trim() !== '') continue
    const how = code === undefined ? `did not end within ${deadlineMs} ms` : `exit ${code}`
    findings.push({ file, message: `--help: ${how}\n${output}` })
  }
  return findings
}
