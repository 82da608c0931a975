import type { Finding } from './finding.ts'
import { run } from './process.ts'

/** One finding per diagnostic of the compiler. */
export async function checkTypes(root: string): Promise<Finding[]> {
  const { code, output } = await run(bin('tsc'), ['-p', '.', '--noEmit', '--pretty', 'false'], { cwd: root })
  if (code === 0) return []
  const messages = output.split(/\n(?=\S)/).filter(Boolean)
  // One that was killed at its deadline says nothing, which is not that all is well.
  return (messages.length > 0 ? messages : ['the compiler did not end']).map((message) => ({ message }))
}

/** Biome explains itself best: its whole report is one finding. */
export async function checkLint(root: string): Promise<Finding[]> {
  const { code, output } = await run(
    bin('biome'),
    ['check', '--error-on-warnings', '--colors=off', '--max-diagnostics=10', '.'],
    {
      cwd: root,
    },
  )
  return code === 0 ? [] : [{ message: output }]
}

/** The tools of this repository, whichever tree they look at. */
export const bin = (name: string): string =>
  new URL(`../../node_modules/.bin/${name}`, import.meta.url).pathname
