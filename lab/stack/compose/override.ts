import { RUN_LABEL } from '../brokers/docker-engine.ts'
import type { PartSpec, ServiceSpec } from '../parts.ts'

/** The name a service has in its part's compose file: unique over all parts, so that the files can be merged. */
export const composeName = (spec: PartSpec, { name }: Pick<ServiceSpec, 'name'>): string =>
  `${PREFIX[spec.name]}-${name.replace(/^kafka-/, '')}`

const PREFIX = { 'sync-rest': 'rest', 'async-rabbitmq': 'rabbit', 'streaming-kafka': 'kafka' } as const

const HELPERS = {
  'sync-rest': [],
  'async-rabbitmq': ['rabbitmq'],
  'streaming-kafka': ['kafka', 'kafka-ui'],
} as const

export interface OverrideOptions {
  runId: string
  env: Record<string, string>
  serviceEnv: Partial<Record<ServiceSpec['role'], Record<string, string>>>
}

/**
 * A second compose file, laid over the part's own: the environment of one experiment, and the label by which a later run
 * finds what a killed one left. JSON is YAML, so both generations of Compose read it.
 */
export function composeOverride(spec: PartSpec, { runId, env, serviceEnv }: OverrideOptions): string {
  const labels = { [RUN_LABEL]: runId }
  const own = spec.services.map((service) => [
    composeName(spec, service),
    // A container that ends must stay ended until the experiment starts it again.
    { labels, restart: 'no', environment: { ...env, ...serviceEnv[service.role] } },
  ])
  const helpers = HELPERS[spec.name].map((name) => [name, { labels, restart: 'no' }])
  return JSON.stringify({ services: Object.fromEntries([...own, ...helpers]) }, null, 2)
}

/** The variables of the compose file that say which ports of this machine it takes. */
export function portVariables(
  spec: PartSpec,
  ports: number[],
  brokerPorts: number[],
): Record<string, string> {
  const prefix = PREFIX[spec.name].toUpperCase()
  const named = Object.fromEntries(
    spec.services.map(({ role }, at) => [`${prefix}_${role.toUpperCase()}_PORT`, String(ports[at])]),
  )
  const [first, second] = brokerPorts.map(String)
  switch (spec.broker) {
    case 'rabbitmq':
      return { ...named, RABBITMQ_PORT: first!, RABBITMQ_MANAGEMENT_PORT: second! }
    case 'kafka':
      return { ...named, KAFKA_PORT: first!, KAFKA_UI_PORT: second! }
    default:
      return named
  }
}
