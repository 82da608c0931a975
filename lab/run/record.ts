import { messageOf } from '@lab/kit/errors.ts'
import { troubleOf } from '@lab/stack/servers/trouble.ts'
import { z } from 'zod'
import { paramsOf, runExperiment } from '../experiments/context.ts'
import type { Experiment, Outcome, ProfileName } from '../experiments/experiment.ts'
import { ExperimentRecord, type Verdict } from './schema.ts'
import type { Progress, Session } from './session.ts'
import { verdictOf } from './verdict.ts'

export interface RecordOptions {
  experiment: Experiment
  profile: ProfileName
  /** Replaces some of the profile's parameters. */
  params?: Record<string, unknown>
  session: Session
  progress: Progress
}

/** Runs one experiment and writes down how it went; one that throws is a verdict, not an error of the run. */
export async function recordExperiment(options: RecordOptions): Promise<ExperimentRecord> {
  const { experiment, profile, session } = options
  const startedAt = new Date()
  const recordOf = (end: Ended) => ({
    name: experiment.name,
    part: experiment.part,
    question: experiment.question,
    params: { ...paramsOf(experiment, profile), ...options.params },
    started_at: startedAt.toISOString(),
    duration_seconds: (Date.now() - startedAt.getTime()) / 1_000,
    checks: [],
    tables: [],
    data: {},
    ...end,
    verdict: end.verdict === 'error' && session.signal.aborted ? 'interrupted' : end.verdict,
  })
  const ended = await run(options)
  try {
    return ExperimentRecord.parse(asJson(recordOf(ended)))
  } catch (err) {
    const why = err instanceof z.ZodError ? z.prettifyError(err) : messageOf(err)
    const error = `what it answered cannot be written down: ${why}`
    return ExperimentRecord.parse(asJson(recordOf({ verdict: 'error', error })))
  }
}

type Ended = { verdict: Verdict } & ({ error: string } | Outcome)

async function run({ experiment, profile, params, session, progress }: RecordOptions): Promise<Ended> {
  const { run, signal, server, startPart } = session
  try {
    const outcome = await runExperiment({
      ...{ experiment, profile, params, run, server, progress, signal },
      ...(startPart && { startPart }),
    })
    if (verdictOf(outcome) === 'holds') return { ...outcome, verdict: 'holds' }
    const troubles = await troublesOf(session)
    const judged =
      troubles.length === 0 ? outcome : { ...outcome, invalid: [...(outcome.invalid ?? []), ...troubles] }
    return { ...judged, verdict: verdictOf(judged) }
  } catch (err) {
    return { verdict: 'error', error: [messageOf(err), ...(await troublesOf(session))].join('\n') }
  }
}

/** A full disk is known to the broker alone; whoever waits for it sees that time is up. */
async function troublesOf({ brokers, run, signal }: Session): Promise<string[]> {
  if (signal.aborted) return []
  const troubles = await Promise.all(brokers().map((broker) => troubleOf(broker, run)))
  return troubles.filter((trouble) => trouble !== undefined)
}

/** A value as the reader of a JSON file will see it. Throws at a number that JSON would turn into null. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value, refuseNaN))

function refuseNaN(name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${name} is ${value}`)
  return value
}
