import { chooseOrigin } from './choose.ts'
import { engineAnswers } from './docker-engine.ts'
import { canInstall, type InstallCommands, installCommands } from './pieces.ts'
import type { PieceState, Server, ServerKind, ServerOrigin } from './server.ts'

export interface ServerReport {
  kind: string
  label: string
  /** How the server would be had; undefined when the environment is contradictory. */
  origin?: ServerOrigin
  /** Why this origin, or what is wrong. */
  reason: string
  /** True when a start would succeed as far as can be told without starting anything. */
  usable: boolean
  /** What was found, one line each. */
  found: string[]
  /** What a local server lacks here. */
  missing: string[]
  /** How to install that, by system; undefined when nothing is missing or the lab would install it itself. */
  commands?: InstallCommands
}

type Described = Pick<ServerKind<Server>, 'name' | 'label' | 'variable' | 'external'> & {
  local: Pick<ServerKind<Server>['local'], 'pieces'>
}

/** Says what a start would do here. Starts and installs nothing. */
export async function describeServer(kind: Described, env: NodeJS.ProcessEnv): Promise<ServerReport> {
  const pieces = await kind.local.pieces(env)
  const report = { kind: kind.name, label: kind.label, found: foundIn(pieces), missing: [] }
  try {
    const { origin, reason } = await chooseOrigin(kind, env, engineAnswers)
    if (origin === 'local') return { ...report, ...describeLocal(reason, pieces), origin }
    const found = origin === 'external' ? kind.external.address(env) : 'a Docker engine that answers'
    return { ...report, origin, reason, usable: true, found: [found] }
  } catch (err) {
    return { ...report, reason: (err as Error).message, usable: false }
  }
}

function describeLocal(reason: string, pieces: PieceState[]) {
  const missing = pieces.filter(({ found }) => found === undefined).map(({ piece }) => piece)
  const labels = missing.map(({ label }) => label)
  if (missing.length === 0) return { missing: labels, reason, usable: true }
  if (canInstall() && missing.every(({ packages }) => packages)) {
    return { missing: labels, reason: `${reason}; what is missing will be installed`, usable: true }
  }
  const packages = missing.flatMap((piece) => piece.packages ?? [])
  return {
    missing: labels,
    reason,
    usable: false,
    ...(packages.length > 0 && { commands: installCommands(packages) }),
  }
}

const foundIn = (pieces: PieceState[]): string[] => pieces.flatMap(({ found }) => found ?? [])
