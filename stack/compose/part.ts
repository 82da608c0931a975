import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { byName, type StartPartOptions } from '../part.ts'
import { freePorts } from '../ports.ts'
import { projectPrefix } from '../servers/docker-engine.ts'
import { readAccess } from '../servers/redis.ts'
import type { ServiceProcess } from '../service.ts'
import type { PartSpec, RunningPart } from '../spec.ts'
import { type Compose, NEVER, openCompose } from './cli.ts'
import { ACL_AT, composeOverride, portVariables } from './override.ts'
import { composeLogins, composeServers } from './servers.ts'
import { type ComposeService, createComposeService } from './service.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const DOWN_MS = 120_000
const STOP_SECONDS = 12

export type ComposePartOptions = Pick<
  StartPartOptions,
  'run' | 'env' | 'serviceEnv' | 'progress' | 'signal'
> & {
  /** Handed to Compose: it needs PATH, HOME and, where the engine is elsewhere, DOCKER_HOST. */
  processEnv: NodeJS.ProcessEnv
}

/**
 * The part's own compose file as a running part: a project of its own, on free ports, with empty volumes, so a stack
 * that somebody has up is left alone. Services are stopped, killed and started through the engine, never by signals.
 * State is always durable: it is in volumes. Resolves when all are ready; on failure or abort nothing is left.
 */
export async function startComposePart(spec: PartSpec, options: ComposePartOptions): Promise<RunningPart> {
  const { name } = spec
  const { run, progress, signal } = options
  const variables = portVariables(spec)
  const ports = await freePorts(variables.length)
  const portOf = (variable: string) => ports[variables.indexOf(variable)]!
  const logs = await run.sub('logs')
  const folder = await run.sub('compose')
  const acl = await redisAcl(spec, join(folder, `${name}-${ports[0]}.acl`))
  const override = join(folder, `${name}-${ports[0]}.json`)
  await writeFile(
    override,
    composeOverride(spec, {
      runId: run.id,
      env: options.env ?? {},
      serviceEnv: options.serviceEnv ?? {},
      files: acl ? [acl.file] : [],
    }),
  )
  await run.usesDocker()
  const adminToken = randomUUID()
  const compose = await openCompose({
    project: `${projectPrefix(run.id)}${ports[0]}`,
    files: [join(ROOT, name, 'docker-compose.yml'), override],
    env: {
      ...options.processEnv,
      ...Object.fromEntries(variables.map((variable, at) => [variable, String(ports[at])])),
      ...composeLogins,
      ...spec.compose.env?.(portOf),
      ADMIN_TOKEN: adminToken,
    },
    signal,
  })
  const services = spec.services.map((service, at) =>
    createComposeService({
      compose,
      name: service.name,
      container: service.compose.name,
      port: ports[at]!,
      logFile: join(logs, `${name}-${service.name}.log`),
      signal,
    }),
  )

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= takeDown(compose, services, signal?.aborted ? 0 : STOP_SECONDS)
    return closing
  }
  try {
    progress?.(`${name}: building the image and starting the containers`)
    await compose.run(['up', '-d', '--build'])
    progress?.(`${name}: waiting for the services to be ready`)
    await Promise.all(services.map((service) => service.waitUntilReady()))
    const servers = await composeServers(spec, compose, portOf, acl?.admin)
    return { spec, services: byName<ServiceProcess>(services), servers, adminToken, close }
  } catch (err) {
    await close()
    throw err
  }
}

/** The part's ACL with a user more: experiments set and read what no service may. Undefined where it has none. */
async function redisAcl({ serverOptions, compose }: PartSpec, from: string) {
  if (!serverOptions?.redis?.acl) return undefined
  const { acl, admin } = await readAccess(serverOptions.redis)
  // The container's user is another one; the folder of the run is closed.
  await writeFile(from, acl)
  await chmod(from, 0o644)
  return { admin, file: { container: compose.servers?.redis ?? 'redis', from, at: ACL_AT } }
}

/** Builds the image of a part's services, which takes minutes where nothing of it is there yet, and starts nothing. */
export async function buildComposePart(spec: PartSpec, processEnv: NodeJS.ProcessEnv): Promise<void> {
  const compose = await openCompose({
    project: `lab-build-${spec.name}`,
    files: [join(ROOT, spec.name, 'docker-compose.yml')],
    env: { ...processEnv, ...spec.compose.env?.(() => 0) },
  })
  await compose.run(['build', spec.services[0]!.compose.name])
}

/** The logs are kept, the containers, networks and volumes are not. Not bound to the run's signal: it must happen. */
async function takeDown(compose: Compose, services: ComposeService[], graceSeconds: number): Promise<void> {
  for (const { logFile, container } of services) {
    const text = await compose
      .run(['logs', '--no-color', container], { signal: NEVER, timeoutMs: DOWN_MS })
      .catch((err: Error) => `no logs: ${err.message}\n`)
    appendFileSync(logFile, text)
  }
  await compose.run(['down', '-v', '--remove-orphans', '--timeout', String(graceSeconds)], {
    signal: NEVER,
    timeoutMs: DOWN_MS,
  })
}
