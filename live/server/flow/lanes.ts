import type { Lane } from '../../wire/flow.ts'
import type { LivePart } from '../../wire/parts.ts'

/** A lane with what the server needs to look into it. */
export interface LaneSource extends Lane {
  urls: { intake: string; inventory: string; third: string }
  rabbitmq: NonNullable<LivePart['servers']['rabbitmq']> | undefined
  kafka: NonNullable<LivePart['servers']['kafka']> | undefined
  adminToken: string | undefined
  logs: Readonly<Record<string, string>>
}

const STOPS = {
  http: ['order-service', 'POST /reserve', 'inventory-service', 'POST /send', 'notification-service', 'done'],
  rabbitmq: [
    'order-service',
    'inventory_queue',
    'inventory-service',
    'notification_queue',
    'notification-service',
    'done',
  ],
  kafka: [
    'producer-order',
    'order-events',
    'inventory-consumer',
    'inventory-events',
    'analytics-consumer',
    'done',
  ],
} as const

/** The parts that carry campus-food orders, known by the roles of their services; others have no lane. */
export function lanesOf(parts: readonly LivePart[]): LaneSource[] {
  return parts.flatMap((part) => {
    const named = (role: RegExp) => Object.keys(part.services).find((name) => role.test(name))
    const intake = named(/^(order-service|producer-order)$/)
    const inventory = named(/^inventory-/)
    const third = named(/^(notification|analytics)-/)
    if (!intake || !inventory || !third) return []
    const kind = part.servers.kafka ? 'kafka' : part.servers.rabbitmq ? 'rabbitmq' : 'http'
    return {
      name: part.name,
      style: part.style,
      kind,
      stops: STOPS[kind],
      services: { intake, inventory, third },
      urls: {
        intake: part.services[intake]!,
        inventory: part.services[inventory]!,
        third: part.services[third]!,
      },
      rabbitmq: part.servers.rabbitmq,
      kafka: part.servers.kafka,
      adminToken: part.adminToken,
      logs: part.logs ?? {},
    }
  })
}

/** What a browser may know of a lane. */
export const shownLane = ({ name, style, kind, stops, services }: LaneSource): Lane => ({
  name,
  style,
  kind,
  stops,
  services,
})
