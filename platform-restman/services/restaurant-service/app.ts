import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Db } from '../../shared/db/db.ts'
import { maintenanceRoutes } from '../../shared/db/maintenance.ts'
import type { Migrating } from '../../shared/db/migrate.ts'
import { addToOutbox } from '../../shared/db/outbox.ts'
import { newEvent, TOPICS } from '../../shared/events/events.ts'
import { guarded } from '../../shared/identity/guard.ts'
import type { Relay } from '../../shared/kafka/relay.ts'
import type { Redis } from '../../shared/redis/client.ts'
import { createCatalogue } from './catalogue.ts'
import { createMenuCache } from './menu-cache.ts'
import { restaurantRoutes } from './routes.ts'

export interface AppDeps {
  service: string
  log: Logger
  metrics: Metrics
  db: Db
  tables: Migrating
  redis: Redis
  relay: Relay
  secret: string
  door?: Door | undefined
  peers?: Record<string, string>
}

/** Restaurants and their menus. */
export async function buildApp(deps: AppDeps) {
  const { service, log, metrics, db, tables, redis, relay, secret, door, peers } = deps
  const faults = new Faults()
  const cache = createMenuCache(redis)
  const catalogue = createCatalogue({
    db,
    async changed(tx, change) {
      const { restaurant_id, version } = change
      const event = newEvent({ type: 'menu.updated', source: service, subject: restaurant_id, data: change })
      await addToOutbox(tx, { topic: TOPICS.menu, key: restaurant_id, event })
      await cache.expect(restaurant_id, version)
    },
  })

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers,
    door,
    description: 'Restaurants, and the categories and foods of their menus.',
  })
  const readiness = () => ({
    database: db.state(),
    tables: tables.state(),
    redis: redis.state(),
    outbox: relay.state(),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, alive: 'healthy' }))
  await app.register(guarded(secret, restaurantRoutes({ catalogue, cache }), maintenanceRoutes(db)))
  app.addHook('onClose', async () => {
    await Promise.all([tables.close(), relay.close()])
    await Promise.all([redis.close(), db.close()])
  })
  return app
}
