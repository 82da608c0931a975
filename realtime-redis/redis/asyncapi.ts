import { z } from 'zod'
import { CHANNEL, keys } from './keys.ts'
import { OrderEvent, StreamLive, StreamResumed, StreamSnapshot, StreamStale } from './schemas.ts'

const messages = { OrderEvent, StreamResumed, StreamSnapshot, StreamStale, StreamLive }
type Name = keyof typeof messages

interface Channel {
  address: string
  server: 'redis' | 'platform'
  summary: string
  messages: Name[]
  bindings?: object
}

const query = {
  type: 'object',
  properties: {
    last_seq: { type: 'integer', minimum: 0, description: 'The last seq that was seen; 0 at first' },
    epoch: { type: 'string', description: 'The data set it was seen of; none at first' },
  },
}
const channels: Record<string, Channel> = {
  events: {
    address: CHANNEL,
    server: 'redis',
    summary: 'Every event, to whoever listens at that moment: at most once.',
    messages: ['OrderEvent'],
  },
  trail: {
    address: keys.stream,
    server: 'redis',
    summary:
      'A stream of the same events, in field `event` of entry `<seq>-0`; the last EVENTS_KEPT of them.',
    messages: ['OrderEvent'],
  },
  sockets: {
    address: '/ws',
    server: 'platform',
    summary:
      'The same events. With `last_seq`, after what was missed or a snapshot; without, live events alone.',
    messages: Object.keys(messages) as Name[],
    bindings: { ws: { method: 'GET', query, bindingVersion: '0.1.0' } },
  },
}

/** The AsyncAPI 3 document of the channel, the stream and the WebSocket, from the schemas of the wire. */
export function asyncapi() {
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'realtime-redis',
      version: '1.0.0',
      description: 'What the platform says of every step of a pizza, and where.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      redis: { host: 'localhost:6379', protocol: 'redis' },
      platform: { host: 'localhost:8000', protocol: 'ws' },
    },
    channels: mapped(channels, ({ address, server, messages, bindings }) => ({
      address,
      servers: [{ $ref: `#/servers/${server}` }],
      messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      ...(bindings && { bindings }),
    })),
    operations: mapped(channels, ({ summary, messages }, channel) => ({
      action: 'send',
      summary,
      channel: { $ref: `#/channels/${channel}` },
      messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
    })),
    components: {
      messages: mapped(messages, (_, name) => ({
        name,
        title: name,
        payload: { $ref: `#/components/schemas/${name}` },
      })),
      schemas: Object.assign({}, ...Object.values(messages).map(definitionsOf)),
    },
  }
}

const mapped = <From, To>(from: Record<string, From>, to: (one: From, name: string) => To) =>
  Object.fromEntries(Object.entries(from).map(([name, one]) => [name, to(one, name)]))

/** A schema and those it refers to, by their names. */
function definitionsOf(schema: z.ZodType): Record<string, object> {
  const { definitions } = z.toJSONSchema(schema, { target: 'draft-7' })
  return JSON.parse(JSON.stringify(definitions).replaceAll('#/definitions/', '#/components/schemas/'))
}
