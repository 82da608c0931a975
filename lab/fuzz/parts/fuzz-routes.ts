import { until } from '@lab/kit/wait.ts'
import { openServiceClient } from '../../load/service-client.ts'
import type { RunningTrio, TrioService } from '../../trio.ts'
import type { TargetResult } from '../finding.ts'
import { routeCases, strayCases } from '../http/cases.ts'
import { type FuzzOptions, fuzzRoute } from '../http/fuzz-route.ts'
import { createJudge } from '../http/judge.ts'
import { openSender } from '../http/send.ts'
import type { Account } from './account.ts'
import { idsFor, KNOWN, keyOf } from './ids.ts'
import { isSwitch, isWrite, planRoutes, type Target } from './plan.ts'

export interface RoutesFuzz {
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
