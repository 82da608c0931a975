import { z } from 'zod'
import { CustomerOrder, FoodEvent, KitchenPresence, Order, TableState } from './schemas.ts'
import {
  CUSTOMER_ORDERS,
  foodsTopic,
  kitchenTopic,
  NO_TABLE,
  ordersTopic,
  stateTopic,
  TABLES,
} from './topics.ts'

interface Topic {
  /** With `{table}` or `{kitchen}` where clients differ. */
  address: string
  parameters?: Record<string, { description: string; enum?: string[] }>
  schema: z.ZodType
  /** What the services do with it. */
  action: 'send' | 'receive'
  retain: boolean
  summary: string
}

const table = (numbers: readonly number[]) => ({
  table: { description: 'The number of the table', enum: numbers.map(String) },
})
const ANY_TABLE = [NO_TABLE, ...TABLES]
const address = (topic: (table: never) => string, parameter = 'table') => topic(`{${parameter}}` as never)

const topics: Record<string, Topic> = {
  orders: {
    address: address(ordersTopic),
    parameters: table(TABLES),
    schema: Order,
    action: 'receive',
    retain: false,
    summary: 'A table orders. Its repeat, under the same id, is the same order.',
  },
  foods: {
    address: address(foodsTopic),
    parameters: table(ANY_TABLE),
    schema: FoodEvent,
    action: 'send',
    retain: false,
    summary: 'The kitchen says what became of an order, or that a message was none.',
  },
  states: {
    address: address(stateTopic),
    parameters: table(ANY_TABLE),
    schema: TableState,
    action: 'send',
    retain: true,
    summary: 'Everything the kitchen knows of a table, whole, whenever something changes.',
  },
  kitchens: {
    address: address(kitchenTopic, 'kitchen'),
    parameters: { kitchen: { description: 'The name of a kitchen' } },
    schema: KitchenPresence,
    action: 'send',
    retain: true,
    summary: 'Whether a kitchen is there; `offline` is also its last will.',
  },
  customerOrders: {
    address: CUSTOMER_ORDERS,
    schema: CustomerOrder,
    action: 'receive',
    retain: false,
    summary: 'A customer order for the order desk.',
  },
}

/** The AsyncAPI 3 document of every topic, from the schemas that check the messages. */
export function asyncapi() {
  const named = (of: (name: string, topic: Topic) => object) =>
    Object.fromEntries(Object.entries(topics).map(([name, topic]) => [name, of(name, topic)]))
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'pubsub-mqtt',
      version: '1.0.0',
      description: 'The restaurant as its services see it: four tables, kitchens, an order desk.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      services: { host: 'localhost:1883', protocol: 'mqtt', protocolVersion: '5.0' },
      pages: { host: 'localhost:8083', pathname: '/mqtt', protocol: 'ws' },
    },
    channels: named((name, { address, parameters }) => ({
      address,
      ...(parameters && { parameters }),
      messages: { [name]: { $ref: `#/components/messages/${name}` } },
    })),
    operations: named((name, { action, retain, summary }) => ({
      action,
      summary,
      channel: { $ref: `#/channels/${name}` },
      messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
      bindings: { mqtt: { qos: 1, retain, bindingVersion: '0.2.0' } },
    })),
    components: {
      messages: named((name, { schema, summary }) => ({
        name,
        title: z.globalRegistry.get(schema)?.id ?? name,
        summary,
        payload: { $ref: `#/components/schemas/${z.globalRegistry.get(schema)?.id}` },
      })),
      schemas: Object.assign({}, ...Object.values(topics).map(({ schema }) => definitionsOf(schema))),
    },
  }
}

/** A schema and those it refers to, by their names. */
function definitionsOf(schema: z.ZodType): Record<string, object> {
  const { definitions } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return JSON.parse(JSON.stringify(definitions).replaceAll('#/definitions/', '#/components/schemas/'))
}
