/** What the files of one area may import. A file belongs to the first area that names it. */
export interface Area {
  files: string[]
  /** Built-in modules, without the `node:`. */
  node: 'any' | string[]
  /** Packages: a list of the only ones, or any that is declared except the ones named. */
  packages: { only: string[] } | { except: string[] }
  /** The repository's own files. */
  code: string[]
}

const brokerClients = ['amqplib', 'kafkajs']
const shared = ['common/ids.ts', 'common/domain/**', 'common/kit/**']

/** Services and the folders they share; `broker` is the only one that knows a broker client. */
const parts = {
  'sync-rest': { services: ['order-service', 'inventory-service', 'notification-service'], shared: [] },
  'async-rabbitmq': {
    services: ['order-service', 'inventory-service', 'notification-service'],
    shared: ['broker', 'outbox'],
  },
  'streaming-kafka': {
    services: ['producer-order', 'inventory-consumer', 'analytics-consumer'],
    shared: ['broker', 'state'],
  },
}

type Part = keyof typeof parts

export const partNames = Object.keys(parts)

const sharedIn = (part: Part) => parts[part].shared.map((folder) => `${part}/${folder}/**`)

/** The services of a part meet on the wire: each sees its own folder and the shared ones, never its siblings. */
const servicesOf = (part: Part, except: string[]): Area[] =>
  parts[part].services.map((service) => ({
    files: [`${part}/${service}/**`],
    node: 'any',
    packages: { except },
    code: [...shared, `${part}/${service}/**`, ...sharedIn(part)],
  }))

/** The broker folder comes first: what is left of the shared folders is plain code. */
const sharedOf = (part: Part, client: string): Area[] => [
  {
    files: [`${part}/broker/**`],
    node: 'any',
    packages: { only: [client, 'zod', 'pino'] },
    code: [...shared, ...sharedIn(part)],
  },
  {
    files: sharedIn(part),
    node: 'any',
    packages: { only: ['zod', 'pino'] },
    code: [...shared, ...sharedIn(part)],
  },
]

/** A part's `tests` see the services from outside, through the lab; the lab never sees a part. */
const testsOf = (part: Part): Area => ({
  files: [`${part}/tests/**`],
  node: 'any',
  packages: { except: brokerClients },
  code: [...shared, 'common/testing/**', 'lab/**', `${part}/tests/**`],
})

export const importTable: Area[] = [
  {
    files: ['common/ids.ts', 'common/ids.test.ts', 'common/domain/**'],
    node: ['crypto'],
    packages: { only: ['zod'] },
    code: ['common/ids.ts', 'common/domain/**'],
  },
  { files: ['common/kit/**'], node: 'any', packages: { except: brokerClients }, code: shared },
  {
    files: ['common/testing/**'],
    node: 'any',
    packages: { except: brokerClients },
    code: [...shared, 'common/testing/**'],
  },

  ...servicesOf('sync-rest', brokerClients),
  testsOf('sync-rest'),

  ...sharedOf('async-rabbitmq', 'amqplib'),
  ...servicesOf('async-rabbitmq', [...brokerClients, 'undici']),
  testsOf('async-rabbitmq'),

  ...sharedOf('streaming-kafka', 'kafkajs'),
  ...servicesOf('streaming-kafka', [...brokerClients, 'undici']),
  testsOf('streaming-kafka'),

  {
    // The bare clients are what parts B and C are measured against: a client library and nothing around it.
    files: [
      'lab/stack/**',
      'lab/probes/**',
      'lab/bench/ceilings/bare-*/**',
      'lab/bench/ceilings/bare-kafka.ts',
    ],
    node: 'any',
    packages: { except: [] },
    code: [...shared, 'common/testing/**', 'lab/**'],
  },
  {
    files: ['lab/**'],
    node: 'any',
    packages: { except: brokerClients },
    code: [...shared, 'common/testing/**', 'lab/**'],
  },
  {
    files: ['scripts/**', 'vitest.config.ts', 'vitest.workspace.ts'],
    node: 'any',
    packages: { except: brokerClients },
    code: [...shared, 'lab/**', 'scripts/**', 'vitest.workspace.ts'],
  },
]

/** What a `*.test.ts` may import on top of its area. */
export const forTests = {
  packages: ['vitest', 'fast-check'],
  code: ['common/testing/**', 'lab/testing/**', 'lab/stack/**'],
}

/** The only files that touch these members of `process`. */
export const processTable: { members: string[]; files: string[] }[] = [
  {
    members: ['env'],
    files: [
      '**/{server,config}.ts',
      'common/kit/lifecycle.ts',
      'scripts/**',
      'lab/stack/**',
      'lab/testing/**',
      // Part of the process they are preloaded into, and told by its environment what to do.
      'lab/faults/hooks/**',
      'vitest.*.ts',
    ],
  },
  {
    members: ['exit', 'exitCode', 'abort', 'reallyExit'],
    // A fixture is a whole process of its own.
    files: ['**/server.ts', 'common/kit/lifecycle.ts', 'scripts/**', '**/fixtures/**'],
  },
]
