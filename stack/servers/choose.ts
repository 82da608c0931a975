import { type ServerKind, type ServerOrigin, serverOrigins } from './server.ts'

export interface Choice {
  origin: ServerOrigin
  /** True when LAB_BROKERS or the server's variable asked for it: then nothing else is tried. */
  forced: boolean
  reason: string
}

/** LAB_BROKERS first, then an external server, then a Docker engine, else a private local one. */
export async function chooseOrigin(
  { variable }: Pick<ServerKind<never>, 'variable'>,
  env: NodeJS.ProcessEnv,
  engineAnswers: (env: NodeJS.ProcessEnv) => Promise<boolean>,
): Promise<Choice> {
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

function forcedOrigin(env: NodeJS.ProcessEnv): ServerOrigin | undefined {
  const value = env.LAB_BROKERS?.trim()
  if (!value) return undefined
  const origin = serverOrigins.find((known) => known === value)
  if (!origin) throw new Error(`LAB_BROKERS="${value}" is not one of ${serverOrigins.join(', ')}`)
  return origin
}
