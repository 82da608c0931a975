import type { ServiceProcess } from '@lab/stack/service.ts'
import type fc from 'fast-check'
import { type Finding, headOf, Tally, type TargetResult } from '../finding.ts'
import { sampleCase, shrinkCase } from '../sample.ts'
import type { Answer } from './answer.ts'
import { commandOf, type HttpCase } from './case.ts'
import type { Complaint } from './judge.ts'
import type { Sender } from './send.ts'

export interface RouteFuzz {
  target: string
  service: ServiceProcess
  requests: fc.Arbitrary<HttpCase>
  judge: (request: HttpCase, answer: Answer) => Complaint[]
  sender: Sender
  isStream: boolean
  /** How many requests may be under way; 32 by default. */
  atOnce?: number | undefined
  /** Told every request that was carried out. */
  note: (request: HttpCase, answer: Answer) => void
}

export interface FuzzOptions {
  seed: number
  /** How many, or the one case to repeat. */
  cases: number
  only?: number | undefined
  signal: AbortSignal
  progress: (text: string) => void
}

const CONCURRENCY = 32
const SHRINK = { maxTries: 150, deadlineMs: 8_000 }
const PROGRESS_EVERY = 250

/** Sends the cases of one route, many at a time, and judges each answer. Ends early when the service has ended. */
export async function fuzzRoute(fuzz: RouteFuzz, options: FuzzOptions): Promise<TargetResult> {
  const startedAt = performance.now()
  const { target, service } = fuzz
  const pid = service.pid
  const state: State = { outcomes: new Tally(), kinds: new Tally(), found: new Map(), sent: 0 }
  const { only, cases } = options
  const numbers = (only === undefined ? Array.from({ length: cases }, (_, at) => at) : [only]).values()
  const worker = async () => {
    for (const at of numbers) {
      options.signal.throwIfAborted()
      if (service.pid !== pid) return
      await tryCase(at, state, fuzz, options)
    }
  }
  await Promise.all(Array.from({ length: fuzz.atOnce ?? CONCURRENCY }, worker))
  options.signal.throwIfAborted()
  const findings: Finding[] = []
  for (const [rule, first] of state.found) findings.push(await report(rule, first, fuzz, options))
  if (service.pid !== pid) findings.push(crash(target, service, state.sent))
  const seconds = (performance.now() - startedAt) / 1_000
  return {
    target,
    cases: state.sent,
    outcomes: state.outcomes.counts,
    kinds: state.kinds.counts,
    seconds,
    findings,
  }
}

interface State {
  outcomes: Tally
  kinds: Tally
  /** By rule, the first case that broke it. */
  found: Map<string, First>
  sent: number
}

interface First {
  at: number
  count: number
  request: HttpCase
  detail: string
}

async function tryCase(at: number, state: State, fuzz: RouteFuzz, options: FuzzOptions): Promise<void> {
  const { target, sender, judge, isStream, note } = fuzz
  const request = sampleCase(fuzz.requests, { seed: options.seed, target, at })
  const answer = await sender.send(request, { isStream })
  // Sockets that were closed by an interrupt are no answer to anything.
  options.signal.throwIfAborted()
  note(request, answer)
  state.outcomes.add(answer.error === undefined ? String(answer.status) : 'no answer')
  state.kinds.add(headOf(request.kind))
  for (const { rule, detail } of judge(request, answer)) {
    const first = state.found.get(rule)
    if (first) first.count++
    else state.found.set(rule, { at, count: 1, request, detail })
  }
  if (++state.sent % PROGRESS_EVERY === 0)
    options.progress(`${target}: ${state.sent} of ${options.cases}, ${state.found.size} findings`)
}

async function report(rule: string, first: First, fuzz: RouteFuzz, options: FuzzOptions): Promise<Finding> {
  const { target, sender, judge, isStream, note, service } = fuzz
  const fails = async (request: HttpCase) => {
    options.signal.throwIfAborted()
    const answer = await sender.send(request, { isStream })
    note(request, answer)
    return judge(request, answer).some((complaint) => complaint.rule === rule)
  }
  const draw = { seed: options.seed, target, at: first.at }
  const smallest = await shrinkCase(fuzz.requests, draw, { fails, ...SHRINK })
  return {
    target,
    rule,
    detail: first.detail,
    count: first.count,
    case: first.at,
    kind: first.request.kind,
    repeat: `${commandOf(smallest ?? first.request, service.port)}${smallest ? '' : '  # alone it does not repeat'}`,
  }
}

const crash = (target: string, { name, logFile }: ServiceProcess, sent: number): Finding => ({
  target,
  rule: 'the service ended',
  detail: `${name} ended after ${sent} cases; see ${logFile}`,
  count: 0,
})
