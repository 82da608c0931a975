import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DEFAULT_RESULTS } from '@lab/lab/run/folder.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { type LivePart, PARTS_FILE } from '@lab/live/wire/parts.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { livePage } from '../../parts.ts'

const ROOT = resolve(import.meta.dirname, '../..')

export interface LivePageOptions {
  session: Session
  port: 'free' | number
  /** The control socket, for the page's switches. */
  control: string
  progress: (text: string) => void
}

/** For whoever comes along while they run, such as `dlq`; passwords are in it, so it is its owner's alone. */
export const writeParts = (running: readonly RunningPart[], runPath: string): void =>
  writeFileSync(join(runPath, PARTS_FILE), JSON.stringify(running.map(seenFromOutside)), { mode: 0o600 })

/** Starts the live page over the parts that run; it ends before they do. */
export async function startLivePage(
  running: readonly RunningPart[],
  { session, port, control, progress }: LivePageOptions,
): Promise<RunningPart> {
  const { run, signal } = session
  const part = await startPart(livePage, {
    run,
    signal,
    progress,
    ports: port === 'free' ? port : [port],
    env: {
      LIVE_PARTS: JSON.stringify(running.map(seenFromOutside)),
      LIVE_CONTROL: control,
      ...labOf(process.env),
    },
  })
  return session.own('the live page', part)
}

/** By what a command of the lab finds its tools, brokers and temporary folder. */
const TOOLS =
  /^(PATH|HOME|USER|TMPDIR|LANG|JAVA_HOME|NODE_COMPILE_CACHE|RABBITMQ_URL|KAFKA_BROKERS|DOCKER_\w+|LAB_\w+|https?_proxy|no_proxy)$/i

/** The page runs experiments by the same command line. Services inherit nothing: what that needs is handed on by name. */
function labOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const tools = Object.entries(env).filter(([name, value]) => TOOLS.test(name) && value !== undefined)
  return {
    ...(Object.fromEntries(tools) as Record<string, string>),
    LIVE_LAB: ROOT,
    LIVE_RESULTS: env.LIVE_RESULTS ?? DEFAULT_RESULTS,
  }
}

function seenFromOutside({ spec, services, servers, adminToken }: RunningPart): LivePart {
  const { rabbitmq, kafka } = servers
  return {
    name: spec.name,
    style: spec.style,
    isTrio: spec.isTrio,
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
