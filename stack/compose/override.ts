import { RUN_LABEL } from '../servers/docker-engine.ts'
import type { PartSpec } from '../spec.ts'

/** Where the compose files put a part's ACL. */
export const ACL_AT = '/etc/redis/users.acl'

export interface OverrideOptions {
  runId: string
  env: Record<string, string>
  /** By the name of the service. */
  serviceEnv: Record<string, Record<string, string>>
  /** A file of this run that a helper gets to see in the place of one of the part's. */
  files?: { container: string; from: string; at: string }[]
}

/**
 * A second compose file, laid over the part's own: the environment of one experiment, and the label by which a later run
 * finds what a killed one left. JSON is YAML, so both generations of Compose read it.
 */
export function composeOverride(
  spec: PartSpec,
  { runId, env, serviceEnv, files = [] }: OverrideOptions,
): string {
  const labels = { [RUN_LABEL]: runId }
  const own = spec.services.map(({ name, compose }) => [
    compose.name,
    // A container that ends must stay ended until the experiment starts it again.
    { labels, restart: 'no', environment: { ...env, ...serviceEnv[name] } },
  ])
  // A name that the file gives a container, for people, would meet that of a stack which is up already.
  const helpers = Object.keys(spec.compose.helpers).map((name) => [
    name,
    {
      labels,
      restart: 'no',
      container_name: `lab-${runId.toLowerCase()}-${name}`,
      volumes: files.filter(({ container }) => container === name).map(({ from, at }) => `${from}:${at}:ro`),
    },
  ])
  return JSON.stringify({ services: Object.fromEntries([...own, ...helpers]) }, null, 2)
}

/** The variables of the compose file that say which ports of this machine it takes: the services', then the helpers'. */
export const portVariables = (spec: PartSpec): string[] => [
  ...spec.services.map(({ compose }) => compose.port),
  ...Object.values(spec.compose.helpers).flat(),
]
