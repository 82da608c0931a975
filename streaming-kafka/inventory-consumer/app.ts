import { Stock } from '@lab/common/domain/stock.ts'
import type { Door } from '@lab/kit/door.ts'
import type { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type HttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { Problem } from '@lab/kit/problem.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Inventory } from './inventory.ts'
import { SOURCE } from './on-order-placed.ts'

export interface AppDeps {
  inventory: Pick<Inventory, 'stock' | 'readiness'>
  faults: Faults
  metrics: Metrics
  log: Logger
  door?: Door | undefined
  peers?: Record<string, string>
}

export async function buildApp({ inventory, faults, metrics, log, door, peers }: AppDeps): Promise<HttpApp> {
  const description = 'Decides every order of the log once, as the one owner of the stock.'
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
  await app.register(serviceRoutes({ service: SOURCE, faults, metrics, readiness: inventory.readiness }))
  const schema = { summary: 'What is left', tags: ['inventory'], response: { 200: Stock, 503: Problem } }
  app.get('/stock', { schema }, async () => inventory.stock())
  return app
}
