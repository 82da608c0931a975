import { defineConfig } from 'vitest/config'

// The tests that need no broker, of every part, without the set-up that would start one.
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.{int,timed,long}.test.ts'],
    // On a busy machine too: a check that times out would prove nothing.
    testTimeout: 120_000,
  },
})
