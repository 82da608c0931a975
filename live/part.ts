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
  commands: {
    word: 'dlq',
    about: 'the dead letters of RabbitMQ and Kafka: look, repair, send back, give up',
    list: {
      list: { about: 'the dead letters of both brokers', load: async () => ({ run: (await dlq()).list }) },
      show: { about: 'one of them, whole', load: async () => ({ run: (await dlq()).show }) },
      edit: { about: 'send one back with another body', load: async () => ({ run: (await dlq()).edit }) },
      redrive: { about: 'send some back, in batches', load: async () => ({ run: (await dlq()).redrive }) },
      discard: { about: 'give some up for good', load: async () => ({ run: (await dlq()).discard }) },
    },
  },
}

const dlq = () => import('./dlq/commands.ts')
