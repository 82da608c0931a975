import { messageOf } from '@lab/common/kit/errors.ts'
import { runExperiment } from '../experiments/context.ts'
import type { Experiment, Outcome, ProfileName } from '../experiments/experiment.ts'
import type { Progress, Session } from '../session.ts'
import { ExperimentRecord, type Verdict } from './results.ts'
import { verdictOf } from './verdict.ts'

export interface RecordOptions {
  experiment: Experiment
  profile: ProfileName
  session: Session
  progress: Progress
}

/** Runs one experiment and writes down how it went. An experiment that throws is a verdict, not an error of the run. */
export async function recordExperiment(options: RecordOptions): Promise<ExperimentRecord> {
  const { experiment, profile, session } = options
  const startedAt = new Date()
  const ended = await run(options)
  const record = {
    name: experiment.name,
    part: experiment.part,
    question: experiment.question,
    params: experiment.profiles[profile],
    started_at: startedAt.toISOString(),
    duration_seconds: (Date.now() - startedAt.getTime()) / 1_000,
    checks: [],
    tables: [],
    data: {},
    ...ended,
    verdict: ended.verdict === 'error' && session.signal.aborted ? 'interrupted' : ended.verdict,
  }
  // Through JSON first: what experiments call `undefined` is absent from a document.
  return ExperimentRecord.parse(JSON.parse(JSON.stringify(record)))
}

type Ended = { verdict: Verdict } & ({ error: string } | Outcome)

async function run({ experiment, profile, session, progress }: RecordOptions): Promise<Ended> {
  const { run, signal, rabbit, kafka, startPart } = session
  const brokers = { rabbit: () => rabbit(), kafka: () => kafka() }
  try {
    const outcome = await runExperiment({
      experiment,
      profile,
      run,
      brokers,
      progress,
      signal,
      ...(startPart && { startPart }),
    })
    return { ...outcome, verdict: verdictOf(outcome) }
  } catch (err) {
    return { verdict: 'error', error: messageOf(err) }
  }
}
