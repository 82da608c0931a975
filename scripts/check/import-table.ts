import { dirname } from 'node:path'
import type { PartSpec } from '@lab/stack/spec.ts'
import { livePage, parts } from '../../parts.ts'

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

/** Clients of servers. A part names the folder that imports its own; nobody else but the bench's probes does. */
const serverClients = ['amqplib', 'kafkajs', ...parts.flatMap(({ shared }) => Object.values(shared).flat())]
const kit = ['kit/**']
const domain = ['common/*.ts', 'common/domain/**']

/** What the code of a part may import besides itself: only the trios know the campus-food domain. */
const below = ({ isTrio }: PartSpec) => (isTrio ? [...kit, ...domain] : kit)

const sharedIn = ({ name, shared }: PartSpec) => Object.keys(shared).map((folder) => `${name}/${folder}/**`)

/**
 * The services of a part meet on the wire: each sees its own folder and the shared ones, never its siblings. Of the shared
 * folders one that imports a client is the only one that does. Tests see the services from outside.
 */
function areasOf(part: PartSpec): Area[] {
  const { name, isTrio, services, shared, clients = [] } = part
  const plain = { node: 'any' as const, code: [...below(part), ...sharedIn(part)] }
  return [
    // Made for browsers; of its part it takes what says no more than the wire does.
    {
      files: [`${name}/page/**`],
      node: ['url'],
      packages: { except: [] },
      code: [...sharedIn(part), `${name}/page/**`],
    },
    // A description of the part; its steps, likewise.
    {
      files: [`${name}/{part,steps}.ts`],
      node: [],
      packages: { only: [] },
      code: ['stack/**', `${name}/**`],
    },
    ...Object.entries(shared).map(
      ([folder, own]): Area => ({
        ...plain,
        files: [`${name}/${folder}/**`],
        packages: { only: [...own, ...clients, 'zod', 'pino'] },
      }),
    ),
    ...services.map(({ entry }): Area => {
      const folder = `${dirname(entry)}/**`
      const refused = [...serverClients, 'undici'].filter((client) => !clients.includes(client))
      return {
        files: [folder],
        node: 'any',
        packages: { except: refused },
        code: [...below(part), folder, ...sharedIn(part)],
      }
    }),
    {
      files: [`${name}/tests/**`],
      node: 'any',
      packages: { except: serverClients },
      code: [
        ...below(part),
        'stack/**',
        ...(isTrio ? ['common/testing/**', 'lab/**'] : [`${name}/**`]),
        `${name}/tests/**`,
      ],
    },
  ]
}

export const importTable: Area[] = [
  { files: ['kit/**'], node: 'any', packages: { except: serverClients }, code: kit },
  { files: ['stack/**'], node: 'any', packages: { except: [] }, code: [...kit, 'stack/**'] },
  {
    files: ['common/ids.ts', 'common/ids.test.ts', 'common/domain/**'],
    node: ['crypto'],
    packages: { only: ['zod'] },
    code: ['common/ids.ts', 'common/domain/**'],
  },
  { files: ['common/*.ts'], node: 'any', packages: { except: serverClients }, code: [...kit, ...domain] },
  {
    files: ['common/testing/**'],
    node: 'any',
    packages: { except: serverClients },
    code: [...kit, ...domain, 'common/testing/**'],
  },

  ...parts.flatMap(areasOf),
  // It looks at all parts from outside: at their brokers with clients of its own, and through the control socket of `up`.
  {
    files: ['live/server/**'],
    node: 'any',
    packages: { except: [] },
    code: [...kit, ...domain, 'stack/**', 'live/wire/**', 'live/server/**'],
  },
  // The dead-letter desk from the command line: the same desk, without the page.
  {
    files: ['live/dlq/**'],
    node: 'any',
    packages: { except: serverClients },
    code: [...kit, 'stack/**', 'live/wire/**', 'live/server/desk/**', 'live/dlq/**'],
  },
  {
    files: ['live/tests/**'],
    node: 'any',
    packages: { except: [] },
    code: [...kit, ...domain, 'common/testing/**', 'lab/testing/**', 'stack/**', 'live/**', 'parts.ts'],
  },
  ...areasOf(livePage),
  { files: ['parts.ts'], node: [], packages: { only: [] }, code: ['stack/spec.ts', '*/part.ts'] },

  {
    // The bare clients are what parts B and C are measured against: a client library and nothing around it.
    files: ['lab/probes/**', 'lab/bench/bare/**'],
    node: 'any',
    packages: { except: [] },
    code: [...kit, ...domain, 'common/testing/**', 'stack/**', 'lab/**'],
  },
  {
    files: ['lab/**'],
    node: 'any',
    packages: { except: serverClients },
    code: [...kit, ...domain, 'common/testing/**', 'stack/**', 'lab/**', 'parts.ts'],
  },
  {
    files: ['scripts/**', 'vitest.*.ts'],
    node: 'any',
    packages: { except: serverClients },
    code: [
      ...kit,
      ...domain,
      'stack/**',
      'lab/**',
      'live/wire/**',
      'scripts/**',
      'vitest.workspace.ts',
      'parts.ts',
    ],
  },
]

/** What a `*.test.ts` or `*.compose.ts` may import on top of its area. */
export const forTests = {
  packages: ['vitest', 'fast-check'],
  code: ['common/testing/**', 'lab/testing/**', 'stack/**'],
}

/** The only files that touch these members of `process`. */
export const processTable: { members: string[]; files: string[] }[] = [
  {
    members: ['env'],
    files: [
      '**/{server,config}.ts',
      'kit/lifecycle.ts',
      'scripts/**',
      'stack/**',
      'lab/testing/**',
      // Where Node keeps what it compiled, handed on to a hundred starts.
      'lab/doors.int.test.ts',
      // Part of the process they are preloaded into, and told by its environment what to do.
      'lab/faults/hooks/**',
      // `up` as a person starts it, with the environment they have.
      'live/tests/up.ts',
      'vitest.*.ts',
    ],
  },
  {
    members: ['exit', 'exitCode', 'abort', 'reallyExit'],
    // A fixture is a whole process of its own.
    files: ['**/server.ts', 'kit/lifecycle.ts', 'scripts/**', '**/fixtures/**'],
  },
]
