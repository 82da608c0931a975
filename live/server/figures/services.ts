import { counterIn } from '@lab/kit/counter-in.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { request } from 'undici'
import type { ServiceFigures } from '../../wire/figures.ts'
import type { LaneSource } from '../flow/lanes.ts'

const CALL_MS = 2_500

export interface ServiceReading {
  shown: ServiceFigures
  /** Of `/health`; undefined while it does not answer. */
  health: Record<string, unknown> | undefined
  /** Prometheus text; undefined while it does not answer, or was not asked for. */
  metrics: string | undefined
}

export async function readService(
  lane: LaneSource,
  role: ServiceFigures['role'],
  { withMetrics }: { withMetrics: boolean },
): Promise<ServiceReading> {
  const url = lane.urls[role]
  const shown = { name: lane.services[role], role, delaySeconds: 0, fails: false, residentMb: null }
  try {
    const [health, ready, metrics] = await Promise.all([
      get(`${url}/health`),
      get(`${url}/ready`),
      withMetrics ? get(`${url}/metrics`, 'text/plain') : undefined,
    ])
    const facts = JSON.parse(health.text) as { faults?: { delay_seconds?: number; fail?: boolean } }
    const resident = metrics && counterIn(metrics.text, 'process_resident_memory_bytes', {})
    return {
      shown: {
        ...shown,
        state: ready.status === 200 ? 'ok' : unready(ready.text),
        delaySeconds: facts.faults?.delay_seconds ?? 0,
        fails: facts.faults?.fail ?? false,
        residentMb: resident === undefined ? null : Math.round(resident / 1_048_576),
      },
      health: facts as Record<string, unknown>,
      metrics: metrics?.status === 200 ? metrics.text : undefined,
    }
  } catch (err) {
    return {
      shown: { ...shown, state: `does not answer: ${messageOf(err)}` },
      health: undefined,
      metrics: undefined,
    }
  }
}

/** What is left of the stock; undefined while nobody can say. */
export async function readStock({ urls }: LaneSource): Promise<Record<string, number> | undefined> {
  const answer = await get(`${urls.inventory}/stock`).catch(() => undefined)
  return answer?.status === 200 ? (JSON.parse(answer.text) as Record<string, number>) : undefined
}

async function get(url: string, accept = 'application/json') {
  const { statusCode, body } = await request(url, {
    headers: { accept },
    signal: AbortSignal.timeout(CALL_MS),
  })
  return { status: statusCode, text: await body.text() }
}

function unready(text: string): string {
  const { checks = {} } = JSON.parse(text) as { checks?: Record<string, string> }
  const wrong = Object.entries(checks).filter(([, state]) => state !== 'ok')
  return wrong.map(([name, state]) => `${name}: ${state}`).join(', ') || 'not ready'
}

/** Orders that came past each role since the services started, by their own counters. */
export function countersOf({ kind }: LaneSource, by: Record<ServiceFigures['role'], ServiceReading>) {
  const counter = (role: ServiceFigures['role'], name: string, labels: Record<string, string>) => {
    const { metrics } = by[role]
    return metrics === undefined ? undefined : counterIn(metrics, name, labels)
  }
  const orders = (role: ServiceFigures['role'], status: string) =>
    counter(role, 'lab_orders_total', { status })
  const decider = kind === 'http' ? 'intake' : 'inventory'
  const [reserved, failed] = [orders(decider, 'reserved'), orders(decider, 'failed')]
  return {
    accepted: orders('intake', 'placed'),
    decided: reserved === undefined || failed === undefined ? undefined : reserved + failed,
    third:
      kind === 'kafka'
        ? counter('third', 'lab_messages_consumed_total', { source: 'inventory-events', outcome: 'ack' })
        : orders(kind === 'http' ? 'intake' : 'third', 'notified'),
  }
}
