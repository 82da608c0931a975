import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { aptInstall } from './apt.ts'
import type { Packages, Piece, ServerContext } from './server.ts'

export type InstallCommands = { debian: string; fedora: string; macos: string }

/** What to type to get the packages, one line a system. */
export function installCommands(packages: Packages[]): InstallCommands {
  const names = (system: 'fedora' | 'brew') => packages.map((one) => one[system]).join(' ')
  const debian = packages.map((one) => one.debian[0]).join(' ')
  return {
    debian: `sudo apt-get update && sudo apt-get install --no-install-recommends ${debian}`,
    fedora: `sudo dnf install ${names('fedora')}`,
    macos: `brew install ${names('brew')}`,
  }
}

/** True where the lab installs what is missing by itself: as root on Debian and its relatives. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/** What `find` finds, if need be after an installation. Rejects with what to type where the lab installs nothing. */
export async function requirePiece<T>(
  piece: Piece,
  ctx: ServerContext,
  find: (env: NodeJS.ProcessEnv) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const found = await find(ctx.env)
  if (found) return found
  if (piece.packages && canInstall()) {
    await aptInstall(piece.packages, ctx)
    const installed = await find(ctx.env)
    if (installed) return installed
  }
  throw new Error(explain(piece))
}

/** Absolute path of a program, undefined when PATH does not lead to it. */
export function onPath(program: string, env: NodeJS.ProcessEnv): string | undefined {
  return pathFolders(env)
    .map((folder) => join(folder, program))
    .find(isExecutable)
}

export function pathFolders(env: NodeJS.ProcessEnv): string[] {
  return (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function explain({ label, packages }: Piece): string {
  const commands = packages && installCommands([packages])
  const install = commands && [
    'Install it with',
    `  Debian, Ubuntu   ${commands.debian}`,
    `  Fedora           ${commands.fedora}`,
    `  macOS            ${commands.macos}`,
  ]
  return [
    `${label} is not installed, and a private server needs it.`,
    ...(install ?? []),
    'A Docker engine will do as well, or the address of a running server. All that is missing: npm run lab -- brokers',
  ].join('\n')
}
