import { existsSync } from 'node:fs'
import { aptInstall } from './apt.ts'
import { findJava, type Java, MIN_JAVA } from './java.ts'
import { kafkaIsCached } from './kafka-cache.ts'
import { findRabbit, onPath, type RabbitInstall } from './rabbit-find.ts'
import type { BrokerContext } from './types.ts'

export type Piece = 'rabbitmq' | 'java' | 'maven'

/** What each piece is called by the package managers; the first Debian package that exists is taken. */
const packages: Record<Piece, { label: string; debian: string[]; fedora: string; brew: string }> = {
  rabbitmq: { label: 'RabbitMQ', debian: ['rabbitmq-server'], fedora: 'rabbitmq-server', brew: 'rabbitmq' },
  java: {
    label: `Java ${MIN_JAVA} or later`,
    debian: ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'openjdk-25-jre-headless'],
    fedora: 'java-21-openjdk-headless',
    brew: 'openjdk@21',
  },
  maven: { label: 'Maven', debian: ['maven'], fedora: 'maven', brew: 'maven' },
}

export function requireRabbit(ctx: BrokerContext): Promise<RabbitInstall> {
  return requirePiece('rabbitmq', ctx, async () => findRabbit(ctx.env))
}

export function requireJava(ctx: BrokerContext): Promise<Java> {
  return requirePiece('java', ctx, () => findJava(ctx.env))
}

/** Answers the path of `mvn`. */
export function requireMaven(ctx: BrokerContext): Promise<string> {
  return requirePiece('maven', ctx, async () => onPath('mvn', ctx.env))
}

/** What to type to get the pieces, one line a system. */
export function installCommands(pieces: Piece[]): { debian: string; fedora: string; macos: string } {
  const names = (system: 'fedora' | 'brew') => pieces.map((piece) => packages[piece][system]).join(' ')
  const debian = pieces.map((piece) => packages[piece].debian[0]).join(' ')
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

async function requirePiece<T>(
  piece: Piece,
  ctx: BrokerContext,
  find: () => Promise<T | undefined>,
): Promise<T> {
  const found = await find()
  if (found) return found
  if (canInstall()) {
    await aptInstall(packages[piece].debian, ctx)
    const installed = await find()
    if (installed) return installed
  }
  throw new Error(explain(piece, await missingPieces(ctx.env)))
}

/** What this machine lacks for both local brokers, so that one command gets it all. */
async function missingPieces(env: NodeJS.ProcessEnv): Promise<Piece[]> {
  const has: Record<Piece, boolean> = {
    rabbitmq: findRabbit(env) !== undefined,
    java: (await findJava(env)) !== undefined,
    maven: kafkaIsCached(env) || onPath('mvn', env) !== undefined,
  }
  return (Object.keys(has) as Piece[]).filter((piece) => !has[piece])
}

function explain(piece: Piece, missing: Piece[]): string {
  const { debian, fedora, macos } = installCommands(missing)
  return [
    `${packages[piece].label} is not installed, and a local broker needs it. Install all that is missing with`,
    `  Debian, Ubuntu   ${debian}`,
    `  Fedora           ${fedora}`,
    `  macOS            ${macos}`,
    'or start Docker, or name a running broker in RABBITMQ_URL and KAFKA_BROKERS.',
  ].join('\n')
}
