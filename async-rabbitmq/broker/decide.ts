import type { OrderEvent } from '@lab/common/domain/events.ts'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { Faults } from '@lab/kit/faults.ts'
import type { Logger } from '@lab/kit/log.ts'
import { deadLetter, type Outcome, retry } from '@lab/kit/outcome.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { ConsumeMessage } from 'amqplib'
import type { z } from 'zod'
import { readEvent } from './read-event.ts'

export interface DecideOptions<Event extends OrderEvent> {
  schema: z.ZodType<Event>
  handle: (events: Event[]) => Outcome[]
  faults: Faults
  log: Logger
}

type Message = Pick<ConsumeMessage, 'content' | 'properties'>

/**
 * One outcome a message, in order, and never a throw. Malformed messages are told apart before the handler's transaction
 * starts, so a poison message spoils none of its batch.
 */
export async function decide<Event extends OrderEvent>(
  batch: readonly Message[],
  { schema, handle, faults, log }: DecideOptions<Event>,
): Promise<Outcome[]> {
  const read = batch.map((message) => readEvent(schema, message))
  const events = read.flatMap(({ event }) => (event ? [event] : []))
  const decided = (await applyFaults(events, faults)) ?? handleAll(events, handle, log)

  let next = 0
  return read.map(({ malformed }) => {
    const outcome = malformed === undefined ? decided[next++] : deadLetter(malformed)
    // A handler that answers too few outcomes has not handled the rest.
    return outcome ?? retry('the handler gave no outcome')
  })
}

/** The outcomes of injected failures, or undefined when the events are to be handled. */
async function applyFaults(events: readonly OrderEvent[], faults: Faults): Promise<Outcome[] | undefined> {
  if (events.length === 0 || !faults.isActive) return undefined
  try {
    await faults.apply()
    return undefined
  } catch (err) {
    return events.map(() => failure(err))
  }
}

function handleAll<Event>(events: Event[], handle: (events: Event[]) => Outcome[], log: Logger): Outcome[] {
  if (events.length === 0) return []
  try {
    const outcomes = handle(events)
    reachStep('rabbit.batch-committed')
    return outcomes
  } catch (err) {
    if (events.length > 1) return events.flatMap((event) => handleAll([event], handle, log))
    log.error({ err }, 'handler failed')
    return [failure(err)]
  }
}

/** Unknown errors are retried, bounded by the ladder. Only an error that says so itself is final. */
function failure(err: unknown): Outcome {
  const reason = err instanceof LabError ? `${err.code}: ${err.message}` : messageOf(err)
  return err instanceof LabError && !err.retryable ? deadLetter(reason) : retry(reason)
}
