import { defineConfig } from 'vitest/config'
import { runner, withProcesses } from './vitest.workspace.ts'

/**
 * What `npm run test:long` runs, one file after the other: all of it takes most of an hour and some of it Docker, so no
 * change waits for it. Each of these proves at length, or with more cases, what a test of `npm test` proves in short.
 */
export default defineConfig({
  test: {
    ...runner,
    projects: [
      {
        test: {
          ...withProcesses(['rabbitmq', 'kafka']),
          name: 'long',
          include: ['**/*.long.test.ts'],
          maxWorkers: 1,
        },
      },
      // Each part's experiments against its compose file; skipped by name where no Docker engine answers.
      { test: { ...withProcesses([]), name: 'compose', include: ['*/tests/*.compose.ts'], maxWorkers: 1 } },
    ],
  },
})
