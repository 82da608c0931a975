import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import { BillEvent, OrderEvent, TOPICS } from '../../shared/events/events.ts'
import { guarded } from '../../shared/identity/guard.ts'
import type { KafkaSettings } from '../../shared/kafka/client.ts'
import { runConsumer } from '../../shared/kafka/consumer.ts'
import type { ClickHouse } from './clickhouse.ts'
import { createFigures } from './figures.ts'
import { onEvents } from './on-events.ts'
import { analyticsRoutes } from './routes.ts'

export interface AppDeps {
  service: string
  log: Logger
  clickhouse: ClickHouse
  kafka: KafkaSettings
  /** What identities are signed with. */
  secret: string
  door?: Door | undefined
  peers?: Record<string, string>
}

const PREPARE_MS = 500
const PING_MS = 2_000

/** The analytics, taking events whenever there are Kafka and ClickHouse. It closes its connections with itself. */
export async function buildApp({ service, log, clickhouse, kafka, secret, door, peers }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const store = onEvents(clickhouse)

  let isPrepared = false
  let timer: NodeJS.Timeout
  /** Until the tables are there; then whether they still are. */
  const look = async () => {
    try {
      if (!isPrepared) await clickhouse.prepare()
      else await clickhouse.ping()
      isPrepared = true
    } catch (err) {
      log.debug({ err }, 'ClickHouse is away')
    }
    timer = setTimeout(look, isPrepared ? PING_MS : PREPARE_MS)
  }
  const looking = look()
  const consumer = runConsumer<OrderEvent | BillEvent>(kafka, {
    groupId: service,
    topics: { [TOPICS.order]: OrderEvent, [TOPICS.bill]: BillEvent },
    onEvents: async (batch) => {
      if (!isPrepared) throw new Error('the tables are not there yet')
      await store(batch)
    },
    faults,
    metrics,
  })

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers,
    door,
    description: 'What was ordered, billed and paid, by restaurant and by day.',
  })
  const readiness = () => ({ clickhouse: clickhouse.state(), kafka: consumer.state() })
  const health = () => ({ engine: clickhouse.engine() ?? 'not known yet' })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health, alive: 'healthy' }))
  await app.register(guarded(secret, analyticsRoutes(createFigures(clickhouse))))

  app.addHook('onClose', async () => {
    await looking
    clearTimeout(timer)
    await consumer.close()
    await clickhouse.close()
  })
  return app
}
