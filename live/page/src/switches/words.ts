import type { Answer, Observation, SwitchAction } from '../../../wire/switches.ts'

/** What a button says. */
export const ACTION: Record<SwitchAction, string> = {
  delay: 'Delay',
  fail: 'Fail',
  throttle: 'Throttle',
  stop: 'Stop',
  kill: 'Kill',
  pause: 'Pause',
  clear: 'Faults off',
  start: 'Start',
  resume: 'Resume',
}

/** What it means, for whoever sees it for the first time. */
export const MEANS: Partial<Record<SwitchAction, string>> = {
  delay: 'Each request that does something, and each message, waits first.',
  fail: 'Each request is answered 500, and each message fails.',
  throttle: 'It sleeps before each message.',
  stop: 'It ends in order: SIGTERM.',
  kill: 'It ends at once: SIGKILL, as when a machine dies.',
  pause: 'It stands still and keeps its connections: SIGSTOP, as in a long pause of a garbage collector.',
}

export const ANSWER: Record<Answer, string> = {
  same: 'Nothing: orders are accepted and decided as before',
  waits: 'Orders are accepted, or at least not refused, and wait',
  refused: 'Orders are refused',
}

/** By which numbers it was that answer. */
export function because({ before, during, answer }: Observation): string {
  const answered = during.accepted + during.refused
  if (answer === null) return 'No order was answered meanwhile.'
  if (answer === 'refused') return `${during.refused} of ${answered} orders were refused or had no answer.`
  if (answer === 'waits')
    return `up to ${during.waiting} orders waited at once (before: ${before.waiting}); ${during.accepted} of ${answered} answers were yes.`
  return `${during.accepted} of ${answered} orders were accepted, and no more waited than before.`
}

export const title = ({
  part,
  name,
  action,
  seconds,
}: Pick<Observation, 'part' | 'name' | 'action' | 'seconds'>) =>
  `${ACTION[action]} ${name} of ${part}${seconds === null ? '' : ` by ${seconds} s`}`

/** Two digits are enough to see it. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

export function share(accepted: number, refused: number): string {
  const answered = accepted + refused
  return answered === 0 ? '–' : `${Math.round((100 * accepted) / answered)} %`
}
