import type { Session } from '@lab/lab/session.ts'
import type { LivePart } from '@lab/live/wire/parts.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { livePage } from '../../parts.ts'

export interface LivePageOptions {
  session: Session
  port: 'free' | number
  progress: (text: string) => void
}

/** Starts the live page over the parts that run; it ends before they do. */
export async function startLivePage(
  running: readonly RunningPart[],
  { session, port, progress }: LivePageOptions,
): Promise<RunningPart> {
  const { run, signal } = session
  const part = await startPart(livePage, {
    run,
    signal,
    progress,
    ports: port === 'free' ? port : [port],
    env: { LIVE_PARTS: JSON.stringify(running.map(seenFromOutside)) },
  })
  return session.own('the live page', part)
}

function seenFromOutside({ spec, services, servers, adminToken }: RunningPart): LivePart {
  const { rabbitmq, kafka } = servers
  return {
    name: spec.name,
    style: spec.style,
    services: Object.fromEntries(Object.values(services).map(({ name, url }) => [name, url])),
    logs: Object.fromEntries(Object.values(services).map(({ name, logFile }) => [name, logFile])),
    servers: {
      ...(rabbitmq && {
        rabbitmq: {
          amqpUrl: rabbitmq.url,
          managementUrl: rabbitmq.managementUrl,
          vhost: decodeURIComponent(new URL(rabbitmq.url).pathname.slice(1)) || '/',
        },
      }),
      ...(kafka && { kafka: { brokers: kafka.brokers, prefix: kafka.prefix } }),
    },
    ...(adminToken !== undefined && { adminToken }),
  }
}
