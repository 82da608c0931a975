import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type RabbitPorts, rabbitEnv } from './config.ts'
import type { RabbitInstall } from './find.ts'

export interface RabbitNodeOptions {
  install: RabbitInstall
  folder: string
  ports: RabbitPorts
  path: string | undefined
}

const CALL_MS = 30_000

/** rabbitmqctl of the same installation, told where this node is; it takes a second or two. */
export function rabbitCtl({ install, folder, ports, path }: RabbitNodeOptions) {
  const env = rabbitEnv(folder, ports, install.epmd, path)
  const command = join(dirname(install.server), 'rabbitmqctl')
  return async (...args: string[]): Promise<void> => {
    await promisify(execFile)(command, args, { env, cwd: folder, timeout: CALL_MS })
  }
}
