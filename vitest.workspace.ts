import { accessSync, constants, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { ServerName } from '@lab/stack/servers/index.ts'
import {
  configDefaults,
  defineConfig,
  type TestProjectInlineConfiguration,
  type ViteUserConfig,
} from 'vitest/config'
import { LANES } from './lab/testing/lanes.ts'
import { livePage, parts } from './parts.ts'

type Options = NonNullable<TestProjectInlineConfiguration['test']>

/** In a checkout of somebody else's, or a read-only one, the tests run as well; only their report is not kept. */
function isWritable(folder: string): boolean {
  try {
    accessSync(new URL(folder, import.meta.url), constants.W_OK)
    return true
  } catch {
    return false
  }
}

const seconds = (count: number) => count * 1_000

/**
 * A run starts hundreds of processes and lets none of them live long. Node keeps what it compiled, which is a third of the
 * work of a start.
 */
process.env.NODE_COMPILE_CACHE ??= new URL('node_modules/.cache/node', import.meta.url).pathname

/** Vitest gives a project of a workspace no option of its own for this: each has to name it. */
const exclude = [...configDefaults.exclude, 'results/**']
const BY_NAME = ['**/*.int.test.ts', '**/*.timed.test.ts', '**/*.long.test.ts']

/** What starts processes has time: it shares the machine with others. A server that a part needs is shared by all its tests. */
export const withProcesses = (needs: readonly ServerName[]): Options => ({
  provide: { needs },
  testTimeout: seconds(120),
  hookTimeout: seconds(180),
  expect: { poll: { timeout: seconds(15) } },
})

/**
 * The projects of one folder. How a file of it is run is in the file's name:
 * - `*.test.ts`        needs nothing that runs; as many at once as there are processors
 * - `*.int.test.ts`    starts processes, and mostly waits for them; one in each lane
 * - `*.timed.test.ts`  starts processes and measures how long they take; alone, after all the others
 * - `*.long.test.ts`   takes long over what another test shows in short; only with `npm run test:long`
 */
function projectsOf(folder: string, needs: readonly ServerName[] = []): TestProjectInlineConfiguration[] {
  return [
    ...project(folder, {
      include: [`${folder}/**/*.test.ts`],
      exclude: [...exclude, ...BY_NAME],
      maxWorkers: availableParallelism(),
      testTimeout: seconds(60),
      sequence: { groupOrder: 0 },
    }),
    ...project(`${folder}:processes`, {
      ...withProcesses(needs),
      include: [`${folder}/**/*.int.test.ts`],
      maxWorkers: LANES,
      sequence: { groupOrder: 1 },
    }),
    ...project(`${folder}:timed`, {
      ...withProcesses(needs),
      include: [`${folder}/**/*.timed.test.ts`],
      maxWorkers: 1,
      sequence: { groupOrder: 2 },
    }),
  ]
}

/** Nothing where there is no such test. */
function project(name: string, options: Options & { include: string[] }): TestProjectInlineConfiguration[] {
  const files = globSync(options.include, { cwd: import.meta.dirname, exclude: options.exclude ?? exclude })
  return files.length === 0 ? [] : [{ test: { exclude, ...options, name } }]
}

/** For all configurations: the runner's part of the tests, and what it says of them. */
export const runner: ViteUserConfig['test'] = {
  globalSetup: './lab/testing/servers.setup.ts',
  reporters: isWritable('.') ? ['default', 'json'] : ['default'],
  // The servers stop in order, and RabbitMQ takes its time.
  teardownTimeout: seconds(60),
}

export default defineConfig({
  test: {
    ...runner,
    projects: [
      ...['kit', 'common', 'stack', 'scripts'].flatMap((folder) => projectsOf(folder)),
      // The experiments compare parts over all of their servers.
      ...projectsOf('lab', ['rabbitmq', 'kafka']),
      // It shows all of them, over their servers.
      ...projectsOf(livePage.name, ['rabbitmq', 'kafka']),
      ...parts.flatMap(({ name, servers }) => projectsOf(name, servers)),
    ],
  },
})
