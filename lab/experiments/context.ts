import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { startPart as startPartHere } from '@lab/stack/part.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import type { ServerName } from '@lab/stack/servers/index.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { parts } from '../../parts.ts'
import { brokerFor, type RunningTrio, startTrio, TRIOS, type TrioName, trios } from '../trio.ts'
import { closePart } from './bench.ts'
import type { Experiment, ExperimentContext, Outcome, ProfileName } from './experiment.ts'

type Context = ExperimentContext<Record<string, unknown>>

interface RunOptions {
  experiment: Experiment
  profile: ProfileName
  /** Replaces some of the profile's parameters. */
  params?: Record<string, unknown> | undefined
  run: RunDir
  /** Asked only by experiments that need one; may start it at the first call. */
  server?: Context['server']
  /** How a part is started; as processes of the run by default. One that brings its broker along is given none. */
  startPart?: PartStarter['startPart'] | undefined
  progress: (text: string) => void
  signal: AbortSignal
}

/** Runs one experiment, the same for the command line and for vitest. What it started is closed in any case. */
export async function runExperiment(options: RunOptions): Promise<Outcome> {
  const { experiment, profile, params = {}, run, server = noServer, startPart, progress, signal } = options
  const started: (RunningTrio | RunningPart)[] = []
  const startTrioOf: Context['startPart'] = async (options, name = oneOf(experiment)) => {
    const broker = startPart ? {} : await brokerFor(name, { server })
    progress(`starting ${name}`)
    const part = await startTrio(name, { run, signal, ...broker, ...options }, startPart)
    started.push(part)
    return part
  }
  const startOther: Context['startOther'] = async (name, options = {}) => {
    const spec = parts.find((one) => one.name === name)
    if (!spec) throw new Error(`${name} is not listed in parts.ts`)
    const found = startPart ? [] : spec.servers.map(async (kind) => [kind, await server(kind)])
    progress(`starting ${name}`)
    const servers = Object.fromEntries(await Promise.all(found))
    const part = await (startPart ?? startPartHere)(spec, { run, signal, servers, ...options })
    started.push(part)
    return part
  }
  try {
    return await experiment.run({
      params: { ...paramsOf(experiment, profile), ...params },
      progress,
      signal,
      startPart: startTrioOf,
      startOther,
      server,
      scratchFile: async (name) =>
        join(await run.sub('scratch'), `${randomBytes(6).toString('hex')}-${name}`),
    })
  } finally {
    for (const part of started.reverse()) await closePart(part, signal)
  }
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
