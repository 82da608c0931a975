import { existsSync, globSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isExecutable, onPath, pathFolders } from '../pieces.ts'
import type { Piece } from '../server.ts'

export const rabbitPiece: Piece = {
  label: 'RabbitMQ',
  packages: {
    debian: ['rabbitmq-server'],
    fedora: 'rabbitmq-server',
    brew: 'rabbitmq',
    service: 'rabbitmq-server',
  },
}

export interface RabbitInstall {
  /** The server script itself, not the wrapper that changes user. */
  server: string
  epmd: string
  version: string
}

/** Where packages put the server script: Debian and Fedora, Homebrew on Apple silicon and on Intel. */
const USUAL = [
  '/usr/lib/rabbitmq/bin',
  '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin',
  '/opt/homebrew/opt/rabbitmq/sbin',
  '/usr/local/opt/rabbitmq/sbin',
]

/**
 * Finds RabbitMQ without running it: `rabbitmq-server --version` would start a node.
 * A script is the real one when `rabbitmq-env` lies beside it; the wrapper in /usr/sbin, which insists on the user
 * `rabbitmq` and its home, has no such neighbour. Undefined when RabbitMQ or Erlang's epmd is missing.
 */
export function findRabbit(env: NodeJS.ProcessEnv): RabbitInstall | undefined {
  const folders = [...USUAL.flatMap((pattern) => globSync(pattern)), ...pathFolders(env)]
  const server = folders.map((folder) => join(folder, 'rabbitmq-server')).find(isServerScript)
  const epmd = findEpmd(env)
  if (!server || !epmd) return undefined
  return { server: realpathSync(server), epmd, version: versionOf(realpathSync(server)) }
}

function isServerScript(path: string): boolean {
  return isExecutable(path) && existsSync(join(dirname(realpathSync(path)), 'rabbitmq-env'))
}

function findEpmd(env: NodeJS.ProcessEnv): string | undefined {
  const erl = onPath('erl', env)
  const homes = ['/usr/lib/erlang', '/usr/lib64/erlang', '/opt/homebrew/lib/erlang', '/usr/local/lib/erlang']
  if (erl) homes.unshift(dirname(dirname(realpathSync(erl))))
  const inHomes = homes.flatMap((home) => [
    join(home, 'bin/epmd'),
    ...globSync(join(home, 'erts-*/bin/epmd')),
  ])
  return onPath('epmd', env) ?? inHomes.find(isExecutable)
}

/** Every distribution ships the broker as the plugin folder or archive `plugins/rabbit-<version>`. */
function versionOf(server: string): string {
  const [plugin] = globSync(join(dirname(dirname(server)), 'plugins/rabbit-[0-9]*'))
  return plugin?.match(/rabbit-(\d[\w.+-]*?)(\.ez)?$/)?.[1] ?? 'unknown'
}
