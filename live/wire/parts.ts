import { z } from 'zod'

/** One part as the page's server is told of it, in `LIVE_PARTS`. Addresses hold passwords: browsers get `ShownPart`. */
export const LivePart = z.strictObject({
  name: z.string(),
  style: z.string(),
  /** One of the three styles: its first service takes the orders. */
  isTrio: z.boolean().default(false),
  /** Base URLs, by the name of the service. */
  services: z.record(z.string(), z.url({ protocol: /^https?$/ })),
  servers: z
    .strictObject({
      rabbitmq: z
        .strictObject({
          amqpUrl: z.url({ protocol: /^amqps?$/ }),
          managementUrl: z.url({ protocol: /^https?$/ }),
          vhost: z.string(),
        })
        .optional(),
      kafka: z
        .strictObject({ brokers: z.array(z.string()).min(1), prefix: z.string().default('') })
        .optional(),
    })
    .default({}),
  /** Log files of this machine, by the name of the service; absent where the services run elsewhere. */
  logs: z.record(z.string(), z.string()).optional(),
  /** What the part's `/admin` asks for; a process of this machine needs none. */
  adminToken: z.string().optional(),
})
export type LivePart = z.infer<typeof LivePart>

/** Where `up` writes down, in the folder of its run, which parts run and where: a list of `LivePart`. */
export const PARTS_FILE = 'parts.json'

export interface ShownPart {
  name: string
  style: string
  isTrio: boolean
  services: Record<string, string>
  servers: string[]
  /** RabbitMQ's own page. */
  managementUrl?: string
}

/** `GET /api/parts`. */
export interface Surroundings {
  parts: ShownPart[]
  /** Whether this caller may give commands: yes, only with `ADMIN_TOKEN`, or not at all. */
  commands: 'open' | 'token' | 'closed'
  /** Whether services and brokers can be stopped and started from here. */
  control: boolean
}
