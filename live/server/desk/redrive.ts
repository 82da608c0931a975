import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newMessageId } from '@lab/common/ids.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Redrive, RedriveMode, RedriveStep } from '../../wire/desk.ts'
import { type Audit, original } from './audit.ts'
import { type DeadLetter, NotReplaceable, replacementOf } from './letter.ts'
import type { Place, Work } from './place.ts'

/** How many go at once: one, to see that it helps; then more and more. The last is repeated. */
const RAMP: readonly number[] = [1, 2, 5, 10, 20, 50, 100]
const POLL_MS = 200

export interface RedriveOrder {
  /** Fixed from now on: whatever dies later is no part of it. */
  letters: readonly string[]
  mode: RedriveMode
  /** In the place of the body; for one letter only. */
  edited?: string | undefined
  /** Letters a batch; ever more, as `RAMP` has it, when it is not given. */
  batch?: number | undefined
  perSecond: number
  /** How long a batch may take to be heard of. */
  timeoutMs: number
  by: string
}

export interface RedriveDeps {
  place: Place
  audit: Audit
  onChange: (redrive: Redrive) => void
  signal?: AbortSignal | undefined
}

export function newRedrive(part: string, { letters, mode }: RedriveOrder): Redrive {
  return {
    id: randomUUID(),
    part,
    started_at: Date.now(),
    mode,
    state: 'running',
    steps: [...new Set(letters)].map((letter) => ({ letter, state: 'waiting' })),
  }
}

/**
 * Sends letters back in batches, and the next batch only when the consumers have dealt with all of the last one. It stops by
 * itself when one died again, was not heard of in time, or could not be sent: the rest stay where they are. Never rejects.
 */
export async function runRedrive(redrive: Redrive, order: RedriveOrder, deps: RedriveDeps): Promise<void> {
  const { place, onChange, signal } = deps
  const end = (state: Redrive['state'], why?: string) => {
    for (const step of redrive.steps) if (step.state === 'waiting') step.state = 'held-back'
    redrive.state = state
    if (why !== undefined) redrive.why = why
    onChange(redrive)
  }
  try {
    await using work = await place.open()
    const batches = batchesOf(redrive.steps, order.batch)
    for (const [at, batch] of batches.entries()) {
      if (signal?.aborted) return end('stopped', 'it was told to')
      for (const step of batch) step.batch = at + 1
      const failed = await sendBatch(batch, { redrive, order, work, deps })
      await hearOf(batch, { redrive, order, work, deps })
      const bad = failed ?? troubleIn(batch)
      if (bad !== undefined) return end('stopped', bad)
    }
    end('done')
  } catch (err) {
    end('stopped', messageOf(err))
  }
}

function batchesOf(steps: RedriveStep[], size: number | undefined): RedriveStep[][] {
  const batches: RedriveStep[][] = []
  for (let from = 0; from < steps.length; ) {
    const count = size ?? RAMP[Math.min(batches.length, RAMP.length - 1)]!
    batches.push(steps.slice(from, from + count))
    from += count
  }
  return batches
}

interface Running {
  redrive: Redrive
  order: RedriveOrder
  work: Work
  deps: RedriveDeps
}

const tokens = new WeakMap<RedriveStep, string>()

/** Answers why no more is to be sent. A letter that the schema refuses is left where it is, and stops nobody. */
async function sendBatch(batch: RedriveStep[], running: Running): Promise<string | undefined> {
  const { redrive, order, work, deps } = running
  const steps = new Map(batch.map((step) => [step.letter, step]))
  let failed: string | undefined
  let next = 0
  const sendOne = async (letter: DeadLetter): Promise<boolean> => {
    const step = steps.get(letter.id)
    if (!step || failed !== undefined) return false
    next = Math.max(next, Date.now())
    await sleep(next - Date.now())
    next += 1_000 / order.perSecond
    try {
      await replace(letter, step, running)
      return true
    } catch (err) {
      step.state = 'not-sent'
      step.fact = messageOf(err)
      if (!(err instanceof NotReplaceable)) failed = `a letter could not be sent: ${step.fact}`
      return false
    } finally {
      deps.onChange(redrive)
    }
  }
  await work.take(new Set(steps.keys()), sendOne)
  for (const step of batch) {
    if (step.state === 'waiting' && failed === undefined) step.state = 'gone'
  }
  return failed
}

/** Resolves once the broker has the replacement for good: only then may the letter go. */
async function replace(
  letter: DeadLetter,
  step: RedriveStep,
  { redrive, order, work, deps }: Running,
): Promise<void> {
  const token = randomUUID()
  const { mode, edited, by } = order
  const replacement = replacementOf(letter, {
    mode,
    newId: newMessageId(),
    token,
    ...(edited !== undefined && { edited }),
  })
  const message_id = replacement.event?.id ?? letter.messageId
  const entry = {
    by,
    part: letter.part,
    letter: letter.id,
    redrive: redrive.id,
    mode: edited === undefined ? mode : ('edited' as const),
    ...(letter.messageId !== undefined && { message_id: letter.messageId }),
    ...(message_id !== undefined && { replaced_by: message_id }),
  }
  deps.audit.write({ ...entry, action: 'sending', original: original(letter) })
  await work.send(letter, replacement)
  deps.audit.write({ ...entry, action: 'sent' })
  tokens.set(step, token)
  step.state = 'sent'
  if (message_id !== undefined) step.message_id = message_id
  if (replacement.event) step.order_id = replacement.event.subject
}

/** Waits until every message of a batch is heard of, or time is up. */
async function hearOf(batch: RedriveStep[], { redrive, order, work, deps }: Running): Promise<void> {
  const { audit, onChange, signal } = deps
  const tell = (step: RedriveStep, state: RedriveStep['state'], fact: string) => {
    step.state = state
    step.fact = fact
    audit.write({
      by: order.by,
      action: 'outcome',
      part: redrive.part,
      letter: step.letter,
      redrive: redrive.id,
      state,
      fact,
    })
    onChange(redrive)
  }
  const deadline = Date.now() + order.timeoutMs
  for (;;) {
    const open = batch.filter(({ state }) => state === 'sent')
    if (open.length === 0) return
    const facts = await work.facts()
    for (const step of open) {
      const fact = facts.get(tokens.get(step) ?? '')
      if (fact) tell(step, fact.state, fact.fact)
    }
    if (Date.now() > deadline || signal?.aborted) {
      for (const step of open)
        if (step.state === 'sent')
          tell(
            step,
            'timed-out',
            `nothing was heard of it within ${order.timeoutMs / 1_000} s; it is on its way still`,
          )
      return
    }
    await sleep(POLL_MS)
  }
}

function troubleIn(batch: RedriveStep[]): string | undefined {
  const died = batch.filter(({ state }) => state === 'died-again').length
  if (died > 0) return `${died} of batch ${batch[0]?.batch} died again`
  const late = batch.filter(({ state }) => state === 'timed-out').length
  return late > 0 ? `${late} of batch ${batch[0]?.batch} were not heard of in time` : undefined
}
