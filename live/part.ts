import type { PartSpec } from '@lab/stack/spec.ts'

/** What `up` starts beside the parts, in the same way. It is none of them: its server looks at the others from outside. */
export const part: PartSpec = {
  name: 'live',
  style: 'the live page',
  isTrio: false,
  basePort: 8400,
  servers: [],
  services: [
    {
      name: 'server',
      entry: 'live/server/server.ts',
      port: 8400,
      env: () => ({}),
      heap: ['--max-semi-space-size=2', '--max-old-space-size=96'],
      page: { folder: 'live/page', sources: ['live/wire'] },
      compose: { name: 'live', port: 'LIVE_PORT' },
    },
  ],
  shared: { wire: [] },
  compose: { helpers: {} },
  guide: () => [],
}
