import { derivedId, orderIdForKey } from '@lab/common/ids.ts'
import { until } from '@lab/kit/wait.ts'
import { openServiceClient } from '../../load/service-client.ts'
import type { RunningTrio, TrioService } from '../../trio.ts'
import type { Account } from '../account.ts'
import { type FuzzOptions, numbersOf, sampleCase, shrinkCase } from '../generate.ts'
import { findingsOn, headOf, Tally, type TargetResult } from '../results.ts'
import { routeCases, strayCases } from './cases.ts'
import { type Route, readRoutes } from './document.ts'
import { commandOf, type HttpCase, openSender } from './exchange.ts'
import { createJudge } from './judge.ts'

interface RoutesFuzz {
  part: RunningTrio
  account: Account
  /** Whether a target of this name is wanted. */
  wants: (target: string) => boolean
}

/** One thing to fuzz over HTTP. Without a route: everything a service does not have. */
interface Target {
  name: string
  service: TrioService
  route: Route | undefined
  routes: Route[]
}

/** Fuzzes every route of a part, one after the other, and holds what was accepted against what there is. */
export async function fuzzRoutes(fuzz: RoutesFuzz, options: FuzzOptions): Promise<TargetResult[]> {
  const { part, account, wants } = fuzz
  const targets = (await planRoutes(part, options.signal)).filter(({ name }) => wants(name))
  if (targets.length === 0) return []
  await placeKnown(fuzz, options)
  const results: TargetResult[] = []
  for (const [at, target] of targets.entries()) {
    const result = await fuzzTarget(target, account, options)
    results.push(result)
    if (target.service.pid === undefined) break
    if (isSwitch(target)) await heal(target.service, options.signal)
    const next = targets[at + 1]
    if (isWrite(target) || !next || isWrite(next))
      result.findings.push(...findingsOn(target.name, await account.audit()))
  }
  return results
}

/** Every route: what only reads first, while lists are short, then the switches of faults, then what stores orders. */
async function planRoutes({ services }: RunningTrio, signal: AbortSignal): Promise<Target[]> {
  const targets: Target[] = []
  for (const service of services) {
    const routes = await readRoutes(service.url, signal)
    for (const route of routes)
      targets.push({ name: `${service.name} ${route.method} ${route.path}`, service, route, routes })
    targets.push({ name: `${service.name} any other path`, service, route: undefined, routes })
  }
  return targets.sort((a, b) => rankOf(a) - rankOf(b))
}

const isSwitch = ({ route }: Target): boolean => route?.path.startsWith('/admin/') ?? false
/** Its requests can change what the part holds. */
const isWrite = ({ route }: Target): boolean => route?.method === 'POST'

function rankOf(target: Target): number {
  if (isSwitch(target)) return 1
  if (isWrite(target)) return 2
  // A scrape has a line for each combination of route, method and status that was ever met.
  return target.route?.path === '/metrics' ? -1 : 0
}

/** How many requests may be under way, where the service does not bound them itself. */
const CONCURRENCY = 32
const AT_ONCE: Record<string, number> = { '/orders/stream': 8, '/orders/bulk': 4 }
/** The cheap sizes: a bulk of a million orders is valid, and takes a minute. */
const AT_MOST = { count: 3 }
const PROGRESS_EVERY = 250

interface Broken {
  /** The first case that broke a rule, and how many did. */
  at: number
  count: number
  request: HttpCase
  detail: string
}

/** Sends the cases of one route, many at a time, and judges each answer. Ends early when the service has ended. */
async function fuzzTarget(
  { name: target, service, route, routes }: Target,
  account: Account,
  options: FuzzOptions,
): Promise<TargetResult> {
  const startedAt = performance.now()
  const { seed, signal, progress } = options
  const { pid } = service
  await using sender = openSender(service.url)
  const ids = idsFor(seed)
  const requests = route
    ? routeCases(route, { routes, components: route.components, ids, atMost: AT_MOST })
    : strayCases()
  const judge = createJudge(route)
  const ask = async (request: HttpCase) => {
    signal.throwIfAborted()
    const answer = await sender.send(request, route?.isStream)
    // Sockets that were closed by an interrupt are no answer to anything.
    signal.throwIfAborted()
    account.note(service, request, answer)
    return { answer, complaints: judge(request, answer) }
  }

  const [outcomes, kinds, found] = [new Tally(), new Tally(), new Map<string, Broken>()]
  let cases = 0
  const numbers = numbersOf(options).values()
  const worker = async () => {
    for (const at of numbers) {
      if (service.pid !== pid) return
      const request = sampleCase(requests, { seed, target, at })
      const { answer, complaints } = await ask(request)
      outcomes.add(answer.error === undefined ? String(answer.status) : 'no answer')
      kinds.add(headOf(request.kind))
      for (const { rule, detail } of complaints) {
        const first = found.get(rule)
        if (first) first.count++
        else found.set(rule, { at, count: 1, request, detail })
      }
      if (++cases % PROGRESS_EVERY === 0)
        progress(`${target}: ${cases} of ${options.cases}, ${found.size} findings`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE[route?.path ?? ''] ?? CONCURRENCY }, worker))

  const complaints = []
  for (const [rule, { at, request, ...first }] of found) {
    const breaks = async (smaller: HttpCase) =>
      (await ask(smaller)).complaints.some((complaint) => complaint.rule === rule)
    const smallest = await shrinkCase(requests, { seed, target, at }, breaks)
    const command = commandOf(smallest ?? request, service.port)
    const repeat = smallest ? command : `${command}  # alone it does not repeat`
    complaints.push({ rule, ...first, case: at, kind: request.kind, repeat })
  }
  const crash = {
    rule: 'the service ended',
    detail: `${service.name} ended after ${cases} cases; see ${service.logFile}`,
  }
  if (service.pid !== pid) complaints.push(crash)
  const seconds = (performance.now() - startedAt) / 1_000
  const findings = findingsOn(target, complaints)
  return { target, cases, outcomes: outcomes.counts, kinds: kinds.counts, seconds, findings }
}

/** No fault is left, and the service does its job again. */
async function heal(service: TrioService, signal: AbortSignal): Promise<void> {
  const client = openServiceClient(service.url, { signal })
  const what = `${service.name} to be ready after its faults were cleared`
  try {
    await client.delete('/admin/faults')
    await client.post('/admin/throttle', { seconds: 0 })
    const ready = async () => (await client.get('/ready')).status === 200
    await until(ready, { what, timeoutMs: 60_000, signal })
  } finally {
    await client.close()
  }
}

/** Orders that are placed before anything is fuzzed, to be found by id. */
const KNOWN = 20

const keyOf = (seed: number, number: number): string => `known-${seed}-${number}`

/** Ids that requests and messages use again and again: of orders that are there, and of as many that are not yet. */
export const idsFor = (seed: number): string[] =>
  Array.from({ length: KNOWN }, (_, at) => [
    orderIdForKey(keyOf(seed, at)),
    derivedId('fuzz', String(seed), String(at)),
  ]).flat()

async function placeKnown({ part, account }: RoutesFuzz, { seed, signal }: FuzzOptions): Promise<void> {
  await using sender = openSender(part.order.url)
  for (let at = 0; at < KNOWN; at++) {
    signal.throwIfAborted()
    const request: HttpCase = {
      kind: 'as documented',
      method: 'POST',
      path: '/order',
      headers: [
        ['content-type', 'application/json'],
        ['idempotency-key', keyOf(seed, at)],
      ],
      body: Buffer.from(JSON.stringify({ item: 'burger', quantity: 1 + (at % 5) })),
      expected: 'accepted',
    }
    account.note(part.order, request, await sender.send(request))
  }
}
