import { Stock } from '@lab/common/domain/stock.ts'
import type { Door } from '@lab/common/kit/door.ts'
import type { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp, type HttpApp } from '@lab/common/kit/http.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import type { Metrics } from '@lab/common/kit/metrics.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Inventory } from './inventory.ts'
import { SOURCE } from './on-order-placed.ts'

export interface AppDeps {
  inventory: Pick<Inventory, 'stock' | 'readiness'>
  faults: Faults
  metrics: Metrics
  log: Logger
  door?: Door | undefined
}

export async function buildApp({ inventory, faults, metrics, log, door }: AppDeps): Promise<HttpApp> {
  const description = 'Decides every order of the log once, as the one owner of the stock.'
  const app = await createHttpApp({ service: SOURCE, description, log, metrics, door })
  await app.register(serviceRoutes({ service: SOURCE, faults, metrics, readiness: inventory.readiness }))
  app.get('/stock', { schema: { response: { 200: Stock, 503: Problem } } }, async () => inventory.stock())
  return app
}
