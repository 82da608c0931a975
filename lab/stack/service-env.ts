import { join } from 'node:path'
import type { KafkaBroker, RabbitBroker } from './brokers/types.ts'
import type { PartSpec, ServiceSpec } from './parts.ts'

export interface Surroundings {
  /** The part's base URLs: order, inventory, and the third service. */
  urls: string[]
  rabbit?: RabbitBroker
  kafka?: KafkaBroker
  dataDir?: string
}

/** The environment by which a service learns where the others, its broker and its data are. */
export function contractEnv(
  spec: PartSpec,
  { role, name }: ServiceSpec,
  { urls, rabbit, kafka, dataDir }: Surroundings,
): Record<string, string> {
  const [, inventoryUrl, notificationUrl] = urls
  const env: Record<string, string> = {}
  if (spec.name === 'sync-rest' && role === 'order') {
    env.INVENTORY_URL = inventoryUrl!
    env.NOTIFICATION_URL = notificationUrl!
  }
  if (rabbit) env.RABBITMQ_URL = rabbit.url
  if (kafka) env.KAFKA_BROKERS = kafka.brokers.join(',')
  if (dataDir) env.DATA_DIR = join(dataDir, name)
  return env
}
