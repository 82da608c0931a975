import { derivedId, orderIdForKey } from '@lab/common/ids.ts'
import { until } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type fc from 'fast-check'
import { openServiceClient } from '../../load/service-client.ts'
import type { RunningTrio, TrioService } from '../../trio.ts'
import type { Account } from '../account.ts'
import { sampleCase, shrinkCase } from '../generate.ts'
import { type Finding, headOf, Tally, type TargetResult } from '../results.ts'
import { routeCases, strayCases } from './cases.ts'
import { type Route, readRoutes } from './document.ts'
import { type Answer, commandOf, type HttpCase, openSender, type Sender } from './exchange.ts'
import { type Complaint, createJudge } from './judge.ts'

interface RouteFuzz {
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
async function fuzzRoute(fuzz: RouteFuzz, options: FuzzOptions): Promise<TargetResult> {
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

interface RoutesFuzz {
  part: RunningTrio
  account: Account
  /** Whether a target of this name is wanted. */
  wants: (target: string) => boolean
}

/** The cheap sizes: a bulk of a million orders is valid, and takes a minute. */
const AT_MOST = { count: 3 }
/** The service bounds how many of these may be under way. */
const AT_ONCE: Record<string, number> = { '/orders/stream': 8, '/orders/bulk': 4 }
/** Fuzzes every route of a part, one after the other, and holds what was accepted against what there is. */
export async function fuzzRoutes(fuzz: RoutesFuzz, options: FuzzOptions): Promise<TargetResult[]> {
  const { part, account, wants } = fuzz
  const targets = (await planRoutes(part, options.signal)).filter(({ name }) => wants(name))
  if (targets.length === 0) return []
  await placeKnown(fuzz, options)
  const results: TargetResult[] = []
  for (const [at, target] of targets.entries()) {
    const result = await fuzzTarget(target, fuzz, options)
    results.push(result)
    if (!isRunning(target.service)) break
    if (isSwitch(target)) await heal(target.service, options.signal)
    const next = targets[at + 1]
    if (!isWrite(target) && next && !isWrite(next)) continue
    for (const { rule, detail } of await account.audit())
      result.findings.push({ target: target.name, rule, detail, count: 0 })
  }
  return results
}

async function fuzzTarget(
  { name, service, route, routes }: Target,
  { account }: RoutesFuzz,
  options: FuzzOptions,
): Promise<TargetResult> {
  const sender = openSender(service.url)
  const ids = idsFor(options.seed)
  try {
    return await fuzzRoute(
      {
        target: name,
        service,
        requests: route
          ? routeCases(route, { routes, components: route.components, ids, atMost: AT_MOST })
          : strayCases(routes),
        judge: createJudge(route),
        sender,
        isStream: route?.isStream ?? false,
        atOnce: AT_ONCE[route?.path ?? ''],
        note: (request, answer) => account.note(service, request, answer),
      },
      options,
    )
  } finally {
    await sender.close()
  }
}

const isRunning = ({ pid }: TrioService) => pid !== undefined

async function placeKnown({ part, account }: RoutesFuzz, { seed, signal }: FuzzOptions): Promise<void> {
  const sender = openSender(part.order.url)
  try {
    for (let at = 0; at < KNOWN; at++) {
      signal.throwIfAborted()
      const body = Buffer.from(JSON.stringify({ item: 'burger', quantity: 1 + (at % 5) }))
      const headers: [string, string][] = [
        ['content-type', 'application/json'],
        ['idempotency-key', keyOf(seed, at)],
      ]
      const request = {
        kind: 'as documented',
        method: 'POST',
        path: '/order',
        headers,
        body,
        expected: 'accepted' as const,
      }
      account.note(part.order, request, await sender.send(request))
    }
  } finally {
    await sender.close()
  }
}

/** No fault is left, and the service does its job again. */
async function heal(service: TrioService, signal: AbortSignal): Promise<void> {
  const client = openServiceClient(service.url, { signal })
  try {
    await client.delete('/admin/faults')
    await client.post('/admin/throttle', { seconds: 0 })
    const ready = async () => (await client.get('/ready')).status === 200
    await until(ready, {
      what: `${service.name} to be ready after its faults were cleared`,
      timeoutMs: 60_000,
      signal,
    })
  } finally {
    await client.close()
  }
}

/** One thing to fuzz over HTTP. Without a route: everything a service does not have. */
interface Target {
  name: string
  service: TrioService
  route: Route | undefined
  routes: Route[]
}

/**
 * Every route of every service. What only reads comes first, while lists are short; then the switches of faults; what
 * stores orders comes last.
 */
async function planRoutes({ services }: RunningTrio, signal: AbortSignal): Promise<Target[]> {
  const targets: Target[] = []
  for (const service of services) {
    const routes = await readRoutes(service.url, signal)
    const ours = routes.map((route) => ({ name: nameOf(service, route), service, route, routes }))
    targets.push(...ours, { name: `${service.name} any other path`, service, route: undefined, routes })
  }
  return targets.sort((a, b) => rankOf(a) - rankOf(b))
}

const nameOf = ({ name }: TrioService, { method, path }: Route) => `${name} ${method} ${path}`

const isSwitch = ({ route }: Target): boolean => route?.path.startsWith('/admin/') ?? false
/** Its requests can change what the part holds. */
const isWrite = ({ route }: Target): boolean => route?.method === 'POST'

function rankOf(target: Target): number {
  if (isSwitch(target)) return 1
  if (isWrite(target)) return 2
  // A scrape has a line for each combination of route, method and status that was ever met.
  return target.route?.path === '/metrics' ? -1 : 0
}

/** Orders that are placed before anything is fuzzed, to be found by id. */
const KNOWN = 20

export const keyOf = (seed: number, number: number): string => `known-${seed}-${number}`

/** Ids that requests and messages use again and again: of orders that are there, and of as many that are not yet. */
export const idsFor = (seed: number): string[] =>
  Array.from({ length: KNOWN }, (_, at) => [
    orderIdForKey(keyOf(seed, at)),
    derivedId('fuzz', String(seed), String(at)),
  ]).flat()
