import { chooseOrigin } from './choose.ts'
import { clickhouse } from './clickhouse/index.ts'
import { describeServer, type ServerReport } from './describe.ts'
import { engineAnswers } from './docker-engine.ts'
import { kafka } from './kafka/index.ts'
import { mail } from './mail/index.ts'
import { mosquitto } from './mosquitto/index.ts'
import { postgres } from './postgres/index.ts'
import { prometheus } from './prometheus.ts'
import { rabbitmq } from './rabbitmq/index.ts'
import { redis } from './redis.ts'
import type { Server, ServerContext, ServerKind } from './server.ts'

export type { ServerReport } from './describe.ts'
export type { KafkaBroker } from './kafka/broker.ts'
export type { RabbitBroker } from './rabbitmq/broker.ts'
export type { Server, ServerContext, ServerControl, ServerKind, ServerOrigin } from './server.ts'

/** Every kind of server the lab can have. Whoever adds one writes its file or folder here, and its name in this list. */
export const serverKinds = { rabbitmq, kafka, mosquitto, redis, postgres, prometheus, clickhouse, mail }

type Kinds = typeof serverKinds
export type ServerName = keyof Kinds
export const serverNames = Object.keys(serverKinds) as ServerName[]

/** What runs, by its name: `Servers['redis']`. */
export type Servers = { [Name in ServerName]: Awaited<ReturnType<Kinds[Name]['local']['start']>> }
export type AnyServer = Servers[ServerName]
/** What may be asked for when the lab starts one itself, by its name. */
export type ServerOptions = { [Name in ServerName]: Parameters<Kinds[Name]['local']['start']>[1] }

/** What can be done with servers of this one's kind: `kindOf(server).place(server, { part })`. */
export function kindOf<S extends AnyServer>(server: S): ServerKind<S> {
  return serverKinds[server.kind] as unknown as ServerKind<S>
}

/**
 * Finds or starts a server; resolves when it serves. On abort or failure nothing that was started is left.
 * Any number may be started at the same time. The options are about a server of this run: an external one is as it is.
 */
export async function startServer<Name extends ServerName>(
  name: Name,
  ctx: ServerContext,
  options?: ServerOptions[Name],
): Promise<Servers[Name]> {
  const kind = serverKinds[name] as unknown as ServerKind<Servers[Name], ServerOptions[Name]>
  return start(kind, ctx, options)
}

/** For the trios, whose experiments name their brokers. */
export const startRabbit = (ctx: ServerContext) => startServer('rabbitmq', ctx)
export const startKafka = (ctx: ServerContext) => startServer('kafka', ctx)

/** Says for each server what a start would do here. Starts and installs nothing. */
export async function describeServers({ env }: Pick<ServerContext, 'env'>): Promise<ServerReport[]> {
  return Promise.all(Object.values(serverKinds).map((kind) => describeServer(kind, env)))
}

async function start<S extends Server, Options>(
  kind: ServerKind<S, Options>,
  ctx: ServerContext,
  options?: Options,
): Promise<S> {
  const choice = await chooseOrigin(kind, ctx.env, engineAnswers)
  ctx.signal?.throwIfAborted()
  if (choice.origin === 'external') return kind.external.use(ctx)
  if (choice.origin === 'local') return kind.local.start(ctx, options)
  if (choice.forced) return kind.docker(ctx, options)
  try {
    return await kind.docker(ctx, options)
  } catch (err) {
    // An engine that answers may still have no way to the images. Nobody asked for Docker by name.
    ctx.signal?.throwIfAborted()
    ctx.progress(
      `Docker did not give ${kind.label} (${(err as Error).message.split('\n')[0]}): using a private one`,
    )
    return kind.local.start(ctx, options)
  }
}
