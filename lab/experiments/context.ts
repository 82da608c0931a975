import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { KafkaBroker, RabbitBroker } from '../stack/brokers/types.ts'
import { wipeKafka } from '../stack/kafka-admin.ts'
import { type RunningPart, type StartPartOptions, startPart as startProcesses } from '../stack/part.ts'
import { type PartName, parts } from '../stack/parts.ts'
import type { RunDir } from '../stack/run-dir.ts'
import type { Experiment, ExperimentContext, Outcome, ProfileName, StartOptions } from './experiment.ts'

export interface ContextOptions {
  experiment: Experiment
  profile: ProfileName
  /** Replaces some of the profile's parameters. */
  params?: Record<string, unknown> | undefined
  run: RunDir
  /** Asked only by experiments that need one; may start it at the first call. */
  brokers: { rabbit: () => Promise<RabbitBroker>; kafka: () => Promise<KafkaBroker> }
  /** How a part is started; as processes of the run by default. One that brings its broker along is given none. */
  startPart?: (name: PartName, options: StartPartOptions) => Promise<RunningPart>
  progress: (text: string) => void
  signal: AbortSignal
}

export interface OpenContext {
  context: ExperimentContext<Record<string, unknown>>
  /** Stops every part the experiment started and takes what it made off a broker that is not ours. Idempotent. */
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
export function createContext({
  experiment,
  profile,
  params = {},
  run,
  brokers,
  startPart,
  progress,
  signal,
}: ContextOptions): OpenContext {
  const started: RunningPart[] = []
  const needs = {
    'sync-rest': async () => ({}),
    'async-rabbitmq': async () => ({ rabbit: await brokers.rabbit() }),
    'streaming-kafka': async () => ({ kafka: await brokers.kafka() }),
  }
  const startNamed = async (name: PartName, options: StartOptions = {}) => {
    const broker = startPart ? {} : await needs[name]()
    progress(`starting ${name}`)
    const start = startPart ?? startProcesses
    const part = await start(name, { run, signal, ...broker, ...options })
    started.push(part)
    return part
  }
  const context: ExperimentContext<Record<string, unknown>> = {
    params: { ...paramsOf(experiment, profile), ...params },
    ...brokers,
    progress,
    signal,
    start: (options) => startNamed(oneOf(experiment), options),
    startPart: startNamed,
    scratchFile: async (name) => join(await run.sub('scratch'), `${randomBytes(6).toString('hex')}-${name}`),
  }
  const close = async () => {
    for (const part of started.splice(0).reverse()) {
      // Whoever interrupts a run does not wait for orderly shutdowns.
      if (signal.aborted) await Promise.all(part.services.map((service) => service.kill()))
      await part.close()
      if (part.kafka?.origin === 'external') await wipeKafka(part.kafka)
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

/** The parts an experiment needs, and so its brokers. */
export const partsOf = ({ part }: Pick<Experiment, 'part'>): PartName[] =>
  part === 'all' ? (Object.keys(parts) as PartName[]) : [part]

function oneOf({ name, part }: Experiment): PartName {
  if (part === 'all') throw new Error(`${name} is about all parts: it names the one it starts`)
  return part
}
