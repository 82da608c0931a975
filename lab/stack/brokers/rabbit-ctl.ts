import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { rabbitEnv } from './rabbit-config.ts'
import type { RabbitNodeOptions } from './rabbit-node.ts'

const CALL_MS = 30_000

/** rabbitmqctl of the same installation, told where this node is; it takes a second or two. */
export function rabbitCtl({ install, folder, ports, path }: Omit<RabbitNodeOptions, 'run'>) {
  const env = rabbitEnv(folder, ports, install.epmd, path)
  const command = join(dirname(install.server), 'rabbitmqctl')
  return async (...args: string[]): Promise<void> => {
    await promisify(execFile)(command, args, { env, cwd: folder, timeout: CALL_MS })
  }
}
