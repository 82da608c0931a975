import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { startPart as startPartHere } from '@lab/stack/part.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import type { KafkaBroker, RabbitBroker, ServerName } from '@lab/stack/servers/index.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { parts } from '../../parts.ts'
import { brokerFor, type RunningTrio, startTrio, TRIOS, type TrioName, trios } from '../trio.ts'
import type { Experiment, ExperimentContext, Outcome, ProfileName, StartOptions } from './experiment.ts'

interface ContextOptions {
  experiment: Experiment
  profile: ProfileName
  /** Replaces some of the profile's parameters. */
  params?: Record<string, unknown> | undefined
  run: RunDir
  /** Asked only by experiments that need one; may start it at the first call. */
  brokers: { rabbit: () => Promise<RabbitBroker>; kafka: () => Promise<KafkaBroker> }
  /** For parts that are no trio. */
  server?: ExperimentContext<unknown>['server'] | undefined
  /** How a part is started; as processes of the run by default. One that brings its broker along is given none. */
  startPart?: PartStarter['startPart'] | undefined
  progress: (text: string) => void
  signal: AbortSignal
}

interface OpenContext {
  context: ExperimentContext<Record<string, unknown>>
  /** Stops every part the experiment started; each takes what it made off a broker that is not ours. Idempotent. */
  close: () => Promise<void>
}

/** Runs one experiment and closes what it opened, also when it fails or is aborted. */
export async function runExperiment(options: ContextOptions): Promise<Outcome> {
  const { context, close } = createContext(options)
  try {
    return await options.experiment.run(context)
  } finally {
    await close()
  }
}

/** What an experiment runs in: the same for the command line and for vitest. */
function createContext({
  experiment,
  profile,
  params = {},
  run,
  brokers,
  server = noServer,
  startPart,
  progress,
  signal,
}: ContextOptions): OpenContext {
  const started: RunningTrio[] = []
  const others: RunningPart[] = []
  const startNamed = async (name: TrioName, options: StartOptions = {}) => {
    const broker = startPart ? {} : await brokerFor(name, brokers)
    progress(`starting ${name}`)
    const part = await startTrio(name, { run, signal, ...broker, ...options }, startPart)
    started.push(part)
    return part
  }
  const startOther: ExperimentContext<unknown>['startOther'] = async (name, options = {}) => {
    const spec = parts.find((one) => one.name === name)
    if (!spec) throw new Error(`${name} is not listed in parts.ts`)
    const found = startPart ? [] : spec.servers.map(async (kind) => [kind, await server(kind)])
    progress(`starting ${name}`)
    const servers = Object.fromEntries(await Promise.all(found))
    const part = await (startPart ?? startPartHere)(spec, { run, signal, servers, ...options })
    others.push(part)
    return part
  }
  const context: ExperimentContext<Record<string, unknown>> = {
    params: { ...paramsOf(experiment, profile), ...params },
    ...brokers,
    progress,
    signal,
    start: (options) => startNamed(oneOf(experiment), options),
    startPart: startNamed,
    startOther,
    server,
    scratchFile: async (name) => join(await run.sub('scratch'), `${randomBytes(6).toString('hex')}-${name}`),
  }
  const close = async () => {
    for (const part of others.splice(0).reverse()) {
      if (signal.aborted) await Promise.all(Object.values(part.services).map((service) => service.kill()))
      await part.close()
    }
    for (const part of started.splice(0).reverse()) {
      // Whoever interrupts a run does not wait for orderly shutdowns.
      if (signal.aborted) await Promise.all(part.services.map((service) => service.kill()))
      await part.close()
    }
  }
  return { context, close }
}

/** Throws when the experiment has no such profile. */
export function paramsOf({ name, profiles }: Experiment, profile: ProfileName): Record<string, unknown> {
  const params = profiles[profile]
  if (!params) throw new Error(`${name} has no profile '${profile}'`)
  return params
}

/** The parts an experiment needs, and so its servers. */
export const partsOf = ({ part }: Pick<Experiment, 'part'>): readonly PartSpec[] =>
  part === 'all' ? trios : parts.filter(({ name }) => name === part)

function oneOf({ name, part }: Experiment): TrioName {
  const trio = TRIOS.find((one) => one === part)
  if (!trio) throw new Error(`${name} is not about one of the trios: it names what it starts`)
  return trio
}

async function noServer(name: ServerName): Promise<never> {
  throw new Error(`nobody gave this experiment a way to ${name}`)
}
