import { join } from 'node:path'
import { type Child, startChild } from '../../child.ts'
import { endAll, findByEnv } from '../../process-identity.ts'
import { type LocalProcess, type Room, startLocal } from '../local.ts'
import { requirePiece } from '../pieces.ts'
import type { ServerContext } from '../server.ts'
import { checkServing } from './api.ts'
import type { RabbitBroker } from './broker.ts'
import { guest, type RabbitPorts, rabbitEnv, writeRabbitConfig } from './config.ts'
import { rabbitCtl } from './ctl.ts'
import { findRabbit, type RabbitInstall, rabbitPiece } from './find.ts'

const START_MS = 120_000
/** Connections and message stores are closed within a tenth of a second; the rest is the management plugin waiting. */
const END_MS = 1_500

/** A private RabbitMQ node on free ports of 127.0.0.1, with management page; its data lives in the run's folder. */
export async function startLocalRabbit(ctx: ServerContext): Promise<RabbitBroker> {
  const install = await requirePiece(rabbitPiece, ctx, findRabbit)
  const { ports, folder, answer, control, close } = await startLocal(ctx, {
    name: 'rabbitmq',
    label: 'RabbitMQ',
    version: install.version,
    what: 'a private node',
    ports: 5,
    prepare: (room) => prepare(ctx, install, room),
  })
  const { amqp, management } = named(ports)
  return {
    kind: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${amqp}`,
    managementUrl: `http://127.0.0.1:${management}`,
    ...guest,
    version: answer,
    origin: 'local',
    control,
    ctl: rabbitCtl({ install, folder, ports: named(ports), path: ctx.env.PATH }),
    close,
  }
}

/** The two processes of a private RabbitMQ: the Erlang VM, and its own port mapper that outlives restarts of it. */
async function prepare(
  ctx: ServerContext,
  install: RabbitInstall,
  room: Room,
): Promise<LocalProcess<string>> {
  const { folder } = room
  const ports = named(room.ports)
  const api = { managementUrl: `http://127.0.0.1:${ports.management}`, ...guest }
  let epmd: Child | undefined
  await writeRabbitConfig(folder, ports)
  return {
    command: install.server,
    args: [],
    env: rabbitEnv(folder, ports, install.epmd, ctx.env.PATH),
    // Started by us, epmd is a plain child; started by the node it would be a daemon that nobody waits for.
    async before() {
      if (!epmd?.isRunning()) epmd = await startEpmd(ctx, install, room)
    },
    serves: () => checkServing(api, ports.amqp),
    async after() {
      if (epmd?.isRunning()) await epmd.kill()
      // Erlang's port programs have groups of their own and end moments after it.
      await endAll(() => findByEnv('HOME', folder))
    },
    startMs: START_MS,
    everyMs: 100,
    endMs: END_MS,
  }
}

async function startEpmd({ run }: ServerContext, { epmd }: RabbitInstall, room: Room): Promise<Child> {
  const args = ['-port', String(named(room.ports).epmd), '-address', '127.0.0.1']
  const logFile = join(room.folder, 'epmd.log')
  return startChild({ run, name: 'rabbitmq-epmd', command: epmd, args, env: {}, logFile })
}

function named([amqp, management, prometheus, distribution, epmd]: number[]): RabbitPorts {
  return { amqp, management, prometheus, distribution, epmd } as RabbitPorts
}
