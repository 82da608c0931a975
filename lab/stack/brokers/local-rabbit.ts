import { rm } from 'node:fs/promises'
import { withFreePorts } from '../ports.ts'
import { requireRabbit } from './install.ts'
import { type RabbitPorts, writeRabbitConfig } from './rabbit-config.ts'
import { rabbitCtl } from './rabbit-ctl.ts'
import type { RabbitInstall } from './rabbit-find.ts'
import { guest, type RabbitNode, rabbitNode } from './rabbit-node.ts'
import type { BrokerContext, RabbitBroker } from './types.ts'

/** A private RabbitMQ node on free ports of 127.0.0.1, with management page; its data lives in the run's folder. */
export async function startLocalRabbit(ctx: BrokerContext): Promise<RabbitBroker> {
  const install = await requireRabbit(ctx)
  ctx.progress(`RabbitMQ ${install.version}: starting a private node`)
  const startedAt = performance.now()
  return withFreePorts(5, async ([amqp, management, prometheus, distribution, epmd]) => {
    const ports = { amqp, management, prometheus, distribution, epmd } as RabbitPorts
    const broker = await startNode(ctx, install, ports)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    ctx.progress(`RabbitMQ ${broker.version}: serving on port ${amqp} after ${seconds} s`)
    return broker
  })
}

async function startNode(
  ctx: BrokerContext,
  install: RabbitInstall,
  ports: RabbitPorts,
): Promise<RabbitBroker> {
  await ctx.run.sub('logs')
  const folder = await ctx.run.sub(`rabbitmq-${ports.amqp}`)
  await writeRabbitConfig(folder, ports)
  const node = rabbitNode({ install, run: ctx.run, folder, ports, path: ctx.env.PATH })
  const remove = async () => {
    await node.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  try {
    const version = await node.start(ctx.signal)
    const ctl = rabbitCtl({ install, folder, ports, path: ctx.env.PATH })
    return { ...describeNode(node, ports, version, remove), ctl }
  } catch (err) {
    await remove()
    throw err
  }
}

function describeNode(
  node: RabbitNode,
  ports: RabbitPorts,
  version: string,
  remove: () => Promise<void>,
): RabbitBroker {
  let closing: Promise<void> | undefined
  return {
    kind: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${ports.amqp}`,
    managementUrl: `http://127.0.0.1:${ports.management}`,
    ...guest,
    version,
    origin: 'local',
    control: {
      kill: () => node.kill(),
      stop: () => node.stop(),
      start: async () => void (await node.start()),
      pause: () => node.pause(),
      resume: () => node.resume(),
    },
    close() {
      closing ??= remove()
      return closing
    },
  }
}
