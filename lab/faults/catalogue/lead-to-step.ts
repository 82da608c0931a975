import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@lab/kit/wait.ts'
import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { INVENTORY_EVENTS } from '../../parts/streaming-kafka.ts'
import type { FaultBench } from '../fault.ts'

/** What has to happen before a step is reached that orders alone do not lead to. */
export interface Lead {
  go: () => Promise<void>
  /** Ends it; idempotent. */
  end: () => Promise<void>
  /** The step is passed while the service starts. */
  isAtStart?: true
}

/** Longer than the time-out of an upstream call in these cells. */
const SILENT_MS = 2_000
const WAITING_MS = 5_000
const QUEUE_OF: Record<Role, string> = {
  order: 'order_status_queue',
  inventory: 'inventory_queue',
  third: 'notification_queue',
}

/** Undefined for a step that every order passes. */
export function leadTo(step: string, bench: FaultBench, role: Role): Lead | undefined {
  switch (step) {
    case 'rest.settle-begun':
    case 'rest.stock-released':
    case 'rest.release-stored':
      return silence(bench)
    case 'rabbit.retry-confirmed':
      return failing(bench, role)
    case 'rabbit.dead-letter-confirmed':
      return poison(bench, QUEUE_OF[role])
    case 'kafka.dead-letter-appended':
      return poison(bench, INVENTORY_EVENTS)
    case 'kafka.owner-fenced':
      return { go: async () => {}, end: async () => {}, isAtStart: true }
    default:
      return undefined
  }
}

/** Inventory answers nothing for a while: outcomes are unknown, and are settled when it answers again. */
const silence = ({ part: { inventory }, signal }: FaultBench): Lead => ({
  go: async () => {
    inventory.pause()
    await sleep(SILENT_MS, undefined, { signal }).finally(() => inventory.resume())
  },
  end: async () => {},
})

/**
 * The handler fails: messages go to the retry ladder. A new process knows nothing of it. A failing order service takes no
 * orders either, so one of them has to be waiting for its decision by then.
 */
const failing = ({ client, part: { inventory }, signal }: FaultBench, role: Role): Lead => ({
  go: async () => {
    const fail = () => client.command(role, '/admin/fail', { enabled: true })
    if (role !== 'order') return void (await fail())
    inventory.pause()
    try {
      const isWaiting = async () => (await client.orders()).some(({ status }) => status === 'placed')
      await until(isWaiting, { what: 'an order that waits', timeoutMs: WAITING_MS, everyMs: 20, signal })
      await fail()
    } finally {
      inventory.resume()
    }
  },
  end: async () => {},
})

/** A crash between the confirm of a dead letter and the acknowledgement of its origin leaves two of them: at least once. */
const AT_MOST = 2

const poison = ({ part, planted }: FaultBench, place: string): Lead => ({
  go: async () => {
    await drivers[part.part].poison!.put(part, place, ['no JSON'])
    planted.deadLetters += AT_MOST
  },
  end: async () => {},
})
