import { type BrokerOrigin, brokerOrigins } from './types.ts'

export interface Choice {
  origin: BrokerOrigin
  /** True when LAB_BROKERS asked for it: then nothing else is tried. */
  forced: boolean
  reason: string
}

/** The variable that names an external broker of this kind. */
export const externalVariable = { rabbitmq: 'RABBITMQ_URL', kafka: 'KAFKA_BROKERS' } as const

/** LAB_BROKERS first, then an external broker, then a Docker engine, else a private local broker. */
export async function chooseOrigin(
  kind: keyof typeof externalVariable,
  env: NodeJS.ProcessEnv,
  engineAnswers: (env: NodeJS.ProcessEnv) => Promise<boolean>,
): Promise<Choice> {
  const variable = externalVariable[kind]
  const forced = forcedOrigin(env)
  if (forced === 'external' && !env[variable]) {
    throw new Error(`LAB_BROKERS=external needs ${variable}, which is not set`)
  }
  if (forced === 'docker' && !(await engineAnswers(env))) {
    throw new Error(
      'LAB_BROKERS=docker, but no Docker engine answers (is it running, may you use its socket?)',
    )
  }
  if (forced) return { origin: forced, forced: true, reason: `LAB_BROKERS=${forced}` }
  if (env[variable]) return { origin: 'external', forced: true, reason: `${variable} is set` }
  if (await engineAnswers(env)) return { origin: 'docker', forced: false, reason: 'a Docker engine answers' }
  return { origin: 'local', forced: false, reason: `${variable} is not set and no Docker engine answers` }
}

function forcedOrigin(env: NodeJS.ProcessEnv): BrokerOrigin | undefined {
  const value = env.LAB_BROKERS?.trim()
  if (!value) return undefined
  const origin = brokerOrigins.find((known) => known === value)
  if (!origin) throw new Error(`LAB_BROKERS="${value}" is not one of ${brokerOrigins.join(', ')}`)
  return origin
}
