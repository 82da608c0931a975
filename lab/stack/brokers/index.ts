import { engineAnswers } from './docker-engine.ts'
import { useExternalKafka, useExternalRabbit } from './external.ts'
import { startLocalKafka } from './local-kafka.ts'
import { startLocalRabbit } from './local-rabbit.ts'
import { type Choice, chooseOrigin } from './mode.ts'
import type { BrokerContext, BrokerOrigin, KafkaBroker, RabbitBroker } from './types.ts'

export { type BrokerReport, describeBrokers } from './describe.ts'
export type { BrokerContext, BrokerControl, BrokerOrigin, KafkaBroker, RabbitBroker } from './types.ts'

type Start<T> = (ctx: BrokerContext) => Promise<T>

/**
 * Finds or starts RabbitMQ; resolves when it serves. On abort or failure nothing that was started is left.
 * Both brokers may be started at the same time.
 */
export async function startRabbit(ctx: BrokerContext): Promise<RabbitBroker> {
  const choice = await chooseOrigin('rabbitmq', ctx.env, engineAnswers)
  return start(ctx, choice, {
    external: useExternalRabbit,
    // testcontainers is large: it is loaded only where it is used.
    docker: async (context) => (await import('./docker-rabbit.ts')).startDockerRabbit(context),
    local: startLocalRabbit,
  })
}

/** The same for Kafka. */
export async function startKafka(ctx: BrokerContext): Promise<KafkaBroker> {
  const choice = await chooseOrigin('kafka', ctx.env, engineAnswers)
  return start(ctx, choice, {
    external: useExternalKafka,
    docker: async (context) => (await import('./docker-kafka.ts')).startDockerKafka(context),
    local: startLocalKafka,
  })
}

async function start<T>(ctx: BrokerContext, choice: Choice, by: Record<BrokerOrigin, Start<T>>): Promise<T> {
  ctx.signal?.throwIfAborted()
  if (choice.origin !== 'docker' || choice.forced) return by[choice.origin](ctx)
  try {
    return await by.docker(ctx)
  } catch (err) {
    // An engine that answers may still have no way to the images. Nobody asked for Docker by name.
    ctx.signal?.throwIfAborted()
    ctx.progress(`Docker did not give a broker (${(err as Error).message.split('\n')[0]}): using a local one`)
    return by.local(ctx)
  }
}
