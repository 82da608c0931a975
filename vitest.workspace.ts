import { existsSync } from 'node:fs'
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

type ProjectOptions = NonNullable<TestProjectInlineConfiguration['test']>

const excluded = [...configDefaults.exclude, 'results/**']
const EXPERIMENTS = 'lab/experiments/*.int.test.ts'

const seconds = (count: number) => count * 1_000

/** All of a folder's tests as the project of that name; nothing where the folder is not. */
function project(folder: string, options: ProjectOptions): TestProjectInlineConfiguration[] {
  if (!existsSync(new URL(folder, import.meta.url))) return []
  const test: ProjectOptions = {
    name: folder,
    include: [`${folder}/**/*.test.ts`],
    exclude: excluded,
    ...options,
  }
  return [{ test }]
}

/**
 * These tests start processes and measure them. Vitest runs the files of all such projects one at a time, so nothing
 * competes for the machine. A first run also downloads Kafka.
 */
const withProcesses: ProjectOptions = {
  fileParallelism: false,
  // One failure in a run of over a thousand such tests may be the machine's: the reporter lists every second attempt.
  retry: process.env.CI ? 1 : 0,
  testTimeout: seconds(120),
  hookTimeout: seconds(180),
}

const withSetup = (name: string): ProjectOptions => ({
  ...withProcesses,
  globalSetup: `./lab/testing/${name}.setup.ts`,
})

export default defineConfig({
  test: {
    projects: [
      ...project('common', { testTimeout: seconds(15) }),
      ...project('scripts', { testTimeout: seconds(60) }),
      ...project('lab', { ...withProcesses, exclude: [...excluded, EXPERIMENTS] }),
      // The experiments over several parts need both brokers.
      ...project('lab', { ...withSetup('experiments'), name: 'experiments', include: [EXPERIMENTS] }),
      ...project('sync-rest', withSetup('run')),
      ...project('async-rabbitmq', withSetup('rabbit')),
      ...project('streaming-kafka', withSetup('kafka')),
      // Each part's experiments against its compose file; skipped by name where no Docker engine answers.
      { test: { ...withProcesses, name: 'compose', include: ['*/tests/*.compose.ts'] } },
    ],
    reporters: ['default', 'json'],
    // The brokers stop in order, and RabbitMQ takes its time.
    teardownTimeout: seconds(60),
  },
})
