import { LabError } from '@lab/kit/errors.ts'
import type { ControlClient } from '@lab/stack/control/client.ts'
import type { Unit } from '@lab/stack/control/protocol.ts'
import { request } from 'undici'
import type { LivePart } from '../../wire/parts.ts'
import type { SwitchAction, Switchable, Switching } from '../../wire/switches.ts'

export interface Targets {
  list(): Promise<Switchable[]>
  /** `ttlSeconds` ends a fault by itself, whatever happens here. */
  act(switching: Switching, ttlSeconds?: number): Promise<void>
  /** Everything back as it was before. */
  undo(switching: Switching): Promise<void>
}

const ANSWER_MS = 2_000
/** Orders wait their turn behind those that an injected delay holds: a switch may, too. */
const SWITCH_MS = 5_000

const noFaults = { delay_seconds: 0, fail: false, throttle_seconds: 0 }

export function createTargets(parts: readonly LivePart[], control: ControlClient | undefined): Targets {
  const throttles = new Map<string, boolean>()

  const show = async (part: LivePart, name: string, unit: Unit | undefined): Promise<Switchable> => {
    const url = part.services[name]
    const faults = url === undefined ? undefined : await faultsOf(url)
    const state = unit?.state ?? (faults ? 'running' : 'unreachable')
    const isThrottled = url !== undefined && faults !== undefined && (await canThrottle(url, part, throttles))
    return {
      part: part.name,
      name,
      kind: url === undefined ? 'server' : 'service',
      state,
      ...(unit?.pid !== undefined && { pid: unit.pid }),
      can: [
        ...(faults
          ? (['delay', 'fail', ...(isThrottled ? ['throttle'] : []), 'clear'] as SwitchAction[])
          : []),
        ...(unit?.controlled ? movesFrom(unit.state) : []),
      ],
      faults: faults ?? noFaults,
    }
  }

  const act = async (switching: Switching, ttlSeconds?: number): Promise<void> => {
    const { part: partName, name, action, seconds = 1 } = switching
    const part = parts.find((one) => one.name === partName)!
    const ttl = ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }
    const tell = (method: 'POST' | 'DELETE', path: string, body?: unknown) =>
      command(part, `${part.services[name]}${path}`, method, body)
    switch (action) {
      case 'delay':
        return tell('POST', '/admin/delay', { seconds, ...ttl })
      case 'fail':
        return tell('POST', '/admin/fail', { enabled: true, ...ttl })
      case 'throttle':
        return tell('POST', '/admin/throttle', { seconds, ...ttl })
      case 'clear':
        await tell('DELETE', '/admin/faults')
        if (throttles.get(part.services[name]!)) await tell('POST', '/admin/throttle', { seconds: 0 })
        return
      default:
        await control!.act(action, `${partName}/${name}`)
    }
  }

  return {
    async list() {
      const units = control ? await control.list() : []
      const all = parts.flatMap((part) => {
        const names = new Set([...Object.keys(part.services), ...ownServers(part, units)])
        return [...names].map((name) =>
          show(
            part,
            name,
            units.find((one) => one.name === `${part.name}/${name}`),
          ),
        )
      })
      return Promise.all(all)
    },
    act,
    undo: (switching) => act({ ...switching, action: BACK[switching.action] }),
  }
}

const BACK: Record<SwitchAction, SwitchAction> = {
  delay: 'clear',
  fail: 'clear',
  throttle: 'clear',
  stop: 'start',
  kill: 'start',
  pause: 'resume',
  clear: 'clear',
  start: 'start',
  resume: 'resume',
}

function movesFrom(state: Unit['state']): SwitchAction[] {
  if (state === 'changing') return []
  if (state === 'running') return ['stop', 'kill', 'pause']
  return state === 'paused' ? ['kill', 'resume'] : ['start']
}

/** As `up` names them; without it, those that the page's server was told of. */
function ownServers({ name, servers }: LivePart, units: readonly Unit[]): string[] {
  if (units.length === 0) return Object.keys(servers)
  return units
    .filter((unit) => unit.kind === 'server' && unit.name.startsWith(`${name}/`))
    .map((unit) => unit.name.slice(name.length + 1))
}

/** Undefined while it does not answer. */
async function faultsOf(url: string): Promise<Switchable['faults'] | undefined> {
  try {
    const { statusCode, body } = await request(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_MS) })
    const { faults } = (await body.json()) as {
      faults: { delay_seconds: number; fail: boolean; throttle_seconds?: number }
    }
    return statusCode === 200
      ? { ...noFaults, delay_seconds: faults.delay_seconds, fail: faults.fail }
      : undefined
  } catch {
    return undefined
  }
}

/** Whether it has the switch that consumers of Kafka have: asked once. */
async function canThrottle(url: string, part: LivePart, known: Map<string, boolean>): Promise<boolean> {
  if (!known.has(url)) {
    const answer = await request(`${url}/admin/throttle`, {
      method: 'OPTIONS',
      headers: { ...authorization(part) },
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch(() => undefined)
    await answer?.body.dump()
    if (answer) known.set(url, answer.statusCode === 204)
  }
  return known.get(url) ?? false
}

async function command(part: LivePart, url: string, method: 'POST' | 'DELETE', body: unknown): Promise<void> {
  const answer = await request(url, {
    method,
    headers: { ...authorization(part), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(SWITCH_MS),
  })
  const problem = (await answer.body.json().catch(() => ({}))) as { detail?: string }
  if (answer.statusCode >= 300)
    throw new LabError('LAB_CONFLICT', problem.detail ?? `${method} ${url} was answered ${answer.statusCode}`)
}

const authorization = ({ adminToken }: LivePart) =>
  adminToken === undefined ? undefined : { authorization: `Bearer ${adminToken}` }
