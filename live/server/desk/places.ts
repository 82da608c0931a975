import type { LivePart } from '../../wire/parts.ts'
import type { Audit } from './audit.ts'
import type { DeskPlace } from './desk.ts'
import { kafkaPlace } from './kafka.ts'
import { rabbitPlace } from './rabbit.ts'

/** Of the trios, those whose broker keeps dead letters, with the service that knows the orders. */
const DESKS = { 'async-rabbitmq': 'order-service', 'streaming-kafka': 'producer-order' } as const

/** The dead-letter places of the parts that have one. */
export const placesOf = (
  parts: readonly LivePart[],
  { isResolved }: Pick<Audit, 'isResolved'>,
): DeskPlace[] =>
  parts.flatMap(({ name: part, services, servers: { rabbitmq, kafka } }) => {
    if (!Object.hasOwn(DESKS, part)) return []
    const orderUrl = services[DESKS[part as keyof typeof DESKS]]
    if (orderUrl === undefined) return []
    if (rabbitmq) return [{ ...rabbitPlace({ part, amqpUrl: rabbitmq.amqpUrl, orderUrl }), orderUrl }]
    if (kafka) return [{ ...kafkaPlace({ part, ...kafka, orderUrl, isResolved }), orderUrl }]
    return []
  })
