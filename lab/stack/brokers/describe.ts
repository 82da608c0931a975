import { engineAnswers } from './docker-engine.ts'
import { readKafkaBrokers, readRabbitAddress } from './external.ts'
import { canInstall, installCommands, type Piece } from './install.ts'
import { findJava, MIN_JAVA } from './java.ts'
import { KAFKA_VERSION, kafkaIsCached } from './kafka-cache.ts'
import { chooseOrigin } from './mode.ts'
import { findRabbit, onPath } from './rabbit-find.ts'
import type { BrokerContext, BrokerOrigin } from './types.ts'

export interface BrokerReport {
  kind: 'rabbitmq' | 'kafka'
  /** How the broker would be had; undefined when the environment is contradictory. */
  origin?: BrokerOrigin
  /** Why this origin, or what is wrong. */
  reason: string
  /** True when a start would succeed as far as can be told without starting anything. */
  usable: boolean
  /** What was found, one line each. */
  found: string[]
  /** What a local broker lacks here. */
  missing: string[]
  /** How to install that, by system; undefined when nothing is missing or the lab would install it itself. */
  commands?: { debian: string; fedora: string; macos: string }
}

/** Says for each broker what a start would do here. Starts and installs nothing. */
export async function describeBrokers({ env }: Pick<BrokerContext, 'env'>): Promise<BrokerReport[]> {
  return Promise.all([describe('rabbitmq', env), describe('kafka', env)])
}

async function describe(kind: BrokerReport['kind'], env: NodeJS.ProcessEnv): Promise<BrokerReport> {
  const local = kind === 'rabbitmq' ? localRabbit(env) : await localKafka(env)
  try {
    const { origin, reason } = await chooseOrigin(kind, env, engineAnswers)
    if (origin === 'local') return describeLocal(kind, reason, local)
    const found = origin === 'external' ? [externalAddress(kind, env)] : ['a Docker engine that answers']
    return { kind, origin, reason, usable: true, found, missing: [] }
  } catch (err) {
    return { kind, reason: (err as Error).message, usable: false, found: local.found, missing: [] }
  }
}

interface LocalPieces {
  found: string[]
  missing: { piece: Piece; text: string }[]
}

function describeLocal(kind: BrokerReport['kind'], reason: string, local: LocalPieces): BrokerReport {
  const missing = local.missing.map(({ text }) => text)
  const report = { kind, origin: 'local', found: local.found, missing } as const
  if (missing.length === 0) return { ...report, reason, usable: true }
  if (canInstall()) return { ...report, reason: `${reason}; what is missing will be installed`, usable: true }
  const commands = installCommands(local.missing.map(({ piece }) => piece))
  return { ...report, reason, usable: false, commands }
}

function localRabbit(env: NodeJS.ProcessEnv): LocalPieces {
  const rabbit = findRabbit(env)
  if (!rabbit) return { found: [], missing: [{ piece: 'rabbitmq', text: 'RabbitMQ' }] }
  return { found: [`RabbitMQ ${rabbit.version} (${rabbit.server})`], missing: [] }
}

async function localKafka(env: NodeJS.ProcessEnv): Promise<LocalPieces> {
  const pieces: LocalPieces = { found: [], missing: [] }
  const java = await findJava(env)
  if (java) pieces.found.push(`Java ${java.major} (${java.command})`)
  else pieces.missing.push({ piece: 'java', text: `Java ${MIN_JAVA} or later` })

  if (kafkaIsCached(env)) {
    pieces.found.push(`Kafka ${KAFKA_VERSION}, downloaded`)
    return pieces
  }
  const maven = onPath('mvn', env)
  if (maven) pieces.found.push(`Maven (${maven}), to download Kafka ${KAFKA_VERSION}, about 54 MB`)
  else pieces.missing.push({ piece: 'maven', text: `Maven, to download Kafka ${KAFKA_VERSION}` })
  return pieces
}

function externalAddress(kind: BrokerReport['kind'], env: NodeJS.ProcessEnv): string {
  if (kind === 'kafka') return readKafkaBrokers(env).join(', ')
  const { url, managementUrl } = readRabbitAddress(env)
  return `${new URL(url).host}, management at ${managementUrl}`
}
