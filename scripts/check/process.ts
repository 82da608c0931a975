import { spawn } from 'node:child_process'

export interface Ended {
  /** Undefined when the deadline passed and the process was killed. */
  code: number | undefined
  output: string
}

/** Runs a JavaScript file on this very Node and collects what it prints; killed at the deadline. */
export function run(
  script: string,
  args: readonly string[],
  { cwd, deadlineMs = 600_000 }: { cwd: string; deadlineMs?: number },
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text))
  child.on('error', reject)
  child.on('close', (code) => resolve({ code: code ?? undefined, output }))
  return promise
}
