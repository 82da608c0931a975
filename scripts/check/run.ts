import { performance } from 'node:perf_hooks'
import { type Check, type Finding, isFailure } from './finding.ts'

/** Runs the checks one after the other, prints one line each and the details of what failed; true when all hold. */
export async function runChecks(
  root: string,
  checks: readonly Check[],
  { write }: { write: boolean },
): Promise<boolean> {
  let clean = true
  for (const check of checks) {
    if (write) await check.write?.(root)
    const started = performance.now()
    const findings = await findingsOf(check, root)
    const failed = findings.some(isFailure)
    const ms = Math.round(performance.now() - started)
    print(`${failed ? 'fail' : 'ok  '}  ${check.name.padEnd(14)}${String(ms).padStart(6)} ms`)
    for (const finding of findings) print(`      ${describe(finding)}`)
    clean &&= !failed
  }
  return clean
}

/** A check that breaks has not held. */
async function findingsOf(check: Check, root: string): Promise<Finding[]> {
  try {
    return await check.run(root)
  } catch (err) {
    return [{ message: `the check itself broke: ${(err as Error).stack ?? err}` }]
  }
}

function describe({ file, line, message, severity }: Finding): string {
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}  `
  const text = message.trimEnd().replaceAll('\n', '\n      ')
  return `${severity === 'note' ? 'note: ' : ''}${place}${text}`
}

const print = (line: string) => process.stdout.write(`${line}\n`)
