import { z } from 'zod'
import { BillEvent, MenuEvent, OrderEvent, TOPICS, UserEvent } from './events.ts'

interface Told {
  schema: z.ZodType
  /** The events of the topic, each with its service. */
  events: Record<string, { by: string; summary: string }>
}

const topics: Record<string, Told> = {
  [TOPICS.user]: {
    schema: UserEvent,
    events: { 'user.created': { by: 'auth-service', summary: 'Somebody signed in for the first time.' } },
  },
  [TOPICS.menu]: {
    schema: MenuEvent,
    events: {
      'menu.updated': {
        by: 'restaurant-service',
        summary: 'A menu has a new version, or is gone with its restaurant.',
      },
    },
  },
  [TOPICS.order]: {
    schema: OrderEvent,
    events: {
      'order.placed': {
        by: 'order-service',
        summary: 'An order is stored, with the names and prices of that moment.',
      },
      'order.status_updated': {
        by: 'kitchen-service, order-service',
        summary: 'A kitchen has made a step, or the order was cancelled.',
      },
    },
  },
  [TOPICS.bill]: {
    schema: BillEvent,
    events: {
      'bill.created': { by: 'billing-service', summary: 'An order has its bill, 10 % tax included.' },
      'bill.paid': { by: 'billing-service', summary: 'A bill was paid.' },
      'bill.cancelled': { by: 'billing-service', summary: 'The order of a bill was cancelled.' },
    },
  },
}

/** The AsyncAPI 3 document of every topic, from the schemas that check the events. */
export function asyncapi() {
  const channels = Object.entries(topics).map(([topic, { events }]) => [
    nameOf(topic),
    {
      address: topic,
      messages: Object.fromEntries(
        Object.keys(events).map((type) => [nameOf(type), { $ref: `#/components/messages/${nameOf(type)}` }]),
      ),
      bindings: { kafka: { topic, partitions: 3, replicas: 1, bindingVersion: '0.5.0' } },
    },
  ])
  const all = Object.entries(topics).flatMap(([topic, { schema, events }]) =>
    Object.entries(events).map(([type, told]) => ({ topic, type, schema, ...told })),
  )
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'platform-restman',
      version: '1.0.0',
      description: 'What the services of RestMan tell each other: CloudEvents 1.0 in structured JSON.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: { kafka: { host: 'localhost:9092', protocol: 'kafka' } },
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(
      all.map(({ topic, type, by, summary }) => [
        nameOf(type),
        {
          action: 'send',
          summary: `${summary} Told by ${by}.`,
          channel: { $ref: `#/channels/${nameOf(topic)}` },
          messages: [{ $ref: `#/channels/${nameOf(topic)}/messages/${nameOf(type)}` }],
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        all.map(({ type, summary }) => [
          nameOf(type),
          {
            name: type,
            title: type,
            summary,
            bindings: {
              kafka: {
                key: { type: 'string', description: 'The subject: the id of what the event is about' },
                bindingVersion: '0.5.0',
              },
            },
            payload: { $ref: `#/components/schemas/${nameOf(type)}` },
          },
        ]),
      ),
      schemas: Object.fromEntries(all.map(({ type, schema }) => [nameOf(type), schemaOf(schema, type)])),
    },
  }
}

/** `order.status_updated` as a name that may stand in a reference. */
const nameOf = (dotted: string) => dotted.replaceAll(/[._](\w)/g, (_, letter: string) => letter.toUpperCase())

interface JsonSchema {
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  properties?: { type: { const: string } }
  definitions?: Record<string, object>
}

/** The schema of one type of event, whole. */
function schemaOf(schema: z.ZodType, type: string): JsonSchema {
  const made = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', reused: 'inline' })
  const all: JsonSchema = JSON.parse(JSON.stringify({ ...made, $schema: undefined }))
  const each = all.oneOf ?? all.anyOf ?? [all]
  const one = each.find(({ properties }) => properties?.type.const === type) ?? all
  return inline(one, all.definitions ?? {}) as JsonSchema
}

function inline(node: unknown, definitions: Record<string, object>): unknown {
  if (Array.isArray(node)) return node.map((one) => inline(one, definitions))
  if (typeof node !== 'object' || node === null) return node
  const { $ref } = node as { $ref?: string }
  if ($ref) return inline(definitions[$ref.split('/').at(-1)!], definitions)
  return Object.fromEntries(
    Object.entries(node)
      // The names of the schemas, not a property that is called so.
      .filter(
        ([name, value]) => name !== 'definitions' && !(/^\$?id$/.test(name) && typeof value === 'string'),
      )
      .map(([name, value]) => [name, inline(value, definitions)]),
  )
}
