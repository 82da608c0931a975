import { orderRoutes } from '@lab/common/order-routes.ts'
import type { OrderStream } from '@lab/common/order-stream.ts'
import type { Door } from '@lab/kit/door.ts'
import type { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type HttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { type Readiness, serviceRoutes } from '@lab/kit/service-routes.ts'
import type { LogAppender } from '../broker/appender.ts'
import { consumerChecks } from '../broker/consumer.ts'
import { createBulk } from './bulk.ts'
import type { OrderView } from './order-view.ts'
import { createPlaceOrder, SOURCE } from './place-order.ts'
import { produceRoutes } from './routes.ts'

export interface AppDeps {
  orderLog: Pick<LogAppender, 'append'>
  view: Pick<OrderView, 'orders' | 'place' | 'isCurrent' | 'status'>
  stream: OrderStream
  faults: Faults
  metrics: Metrics
  log: Logger
  door?: Door | undefined
  peers?: Record<string, string>
}

export async function buildApp(deps: AppDeps): Promise<HttpApp> {
  const { orderLog, view, stream, faults, metrics, log, door, peers } = deps
  const description = 'Puts orders into the log, and lists what the log holds.'
  const app = await createHttpApp({
    part: 'streaming-kafka',
    service: SOURCE,
    description,
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  const readiness = (): Readiness => ({
    ...consumerChecks(view.status()),
    orders: view.isCurrent() ? 'ok' : 'reading the log',
  })

  await app.register(serviceRoutes({ service: SOURCE, faults, metrics, readiness }))
  await app.register(
    produceRoutes({
      placeOrder: createPlaceOrder({ orderLog, view, log }),
      placeBulk: createBulk({ orderLog, view, log, stopping: stopping.signal }),
    }),
  )
  await app.register(orderRoutes({ orders: view.orders, stream }))
  return app
}
