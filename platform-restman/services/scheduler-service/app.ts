import { randomUUID } from 'node:crypto'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Db } from '../../shared/db/db.ts'
import { keepMigrating } from '../../shared/db/migrate.ts'
import { BillEvent, OrderEvent, TOPICS } from '../../shared/events/events.ts'
import { guarded } from '../../shared/identity/guard.ts'
import { createServiceSigner } from '../../shared/identity/identity.ts'
import type { KafkaSettings } from '../../shared/kafka/client.ts'
import { runConsumer } from '../../shared/kafka/consumer.ts'
import type { Mailer } from '../../shared/mail/mailer.ts'
import { addMail, startMailSender } from '../../shared/mail/outbox.ts'
import { openNeighbour } from '../../shared/neighbour/neighbour.ts'
import { clean } from './clean.ts'
import { closeDays } from './close-days.ts'
import type { Config } from './config.ts'
import { dailyReport } from './daily-report.ts'
import { expireOrders } from './expire-orders.ts'
import { createLease } from './lease.ts'
import { createRoads } from './road.ts'
import { schedulerRoutes } from './routes.ts'
import { type Job, startRunner } from './runner.ts'
import { watch } from './watch.ts'

export interface AppDeps {
  service: string
  config: Config
  log: Logger
  db: Db
  kafka: KafkaSettings
  mailer: Mailer
  door?: Door | undefined
}

/** The scheduler: it watches orders, and does what is due as long as it has the lease. It closes what it uses with itself. */
export async function buildApp({ service, config, log, db, kafka, mailer, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const migrating = keepMigrating(db, service, { skip: config.SKIP_MIGRATIONS, log })
  const take = watch(db, service)
  const consumer = runConsumer<OrderEvent | BillEvent>(kafka, {
    groupId: service,
    topics: { [TOPICS.order]: OrderEvent, [TOPICS.bill]: BillEvent },
    onEvents: take,
    faults,
    metrics,
  })
  const sender = startMailSender(db, mailer, log)

  const sign = createServiceSigner(config.GATEWAY_SECRET, service)
  const neighbours = {
    'auth-service': openNeighbour('auth-service', config.AUTH_SERVICE_URL, sign),
    'restaurant-service': openNeighbour('restaurant-service', config.RESTAURANT_SERVICE_URL, sign),
    'order-service': openNeighbour('order-service', config.ORDER_SERVICE_URL, sign),
    'kitchen-service': openNeighbour('kitchen-service', config.KITCHEN_SERVICE_URL, sign),
    'billing-service': openNeighbour('billing-service', config.BILLING_SERVICE_URL, sign),
    'analytics-service': openNeighbour('analytics-service', config.ANALYTICS_SERVICE_URL, sign),
  }
  const lease = createLease(db, randomUUID(), config.LEASE_SECONDS * 1_000)
  const ms = (seconds: number) => seconds * 1_000
  const jobs: Job[] = [
    {
      name: 'expire-orders',
      about: 'Has orders cancelled that wait for their kitchen unpaid, or that no kitchen takes',
      everyMs: ms(config.EXPIRE_EVERY_SECONDS),
      run: expireOrders({
        db,
        unpaidMs: ms(config.UNPAID_SECONDS),
        staleMs: ms(config.STALE_SECONDS),
        cancel: async (orderId, reason) => {
          const path = `/api/orders/${orderId}/cancel`
          const { status } = await neighbours['order-service'].call('POST', path, { reason })
          if (status >= 500) throw new Error(`order-service answered ${status}`)
          return status < 300
        },
      }),
    },
    {
      name: 'close-days',
      about: 'Adds up each day that has ended, and puts its report into the mail',
      everyMs: ms(60),
      run: closeDays({
        db,
        lease,
        graceMs: ms(config.DAY_GRACE_SECONDS),
        report: async (tx, day, restaurants) => {
          if (config.REPORT_TO === undefined) return
          const messageId = `<daily-report-${day}@restman>`
          await addMail(tx, { to: config.REPORT_TO, messageId, ...dailyReport(day, restaurants) })
        },
      }),
    },
    {
      name: 'clean',
      about: 'Has every service forget what is long over',
      everyMs: ms(config.CLEAN_EVERY_SECONDS),
      run: clean({
        db,
        keepHours: config.KEEP_HOURS,
        services: Object.keys(neighbours).filter((name) => name !== 'analytics-service'),
        askToClean: async (name, older_than_hours) => {
          const neighbour = neighbours[name as keyof typeof neighbours]
          const { status, body } = await neighbour.call('POST', '/maintenance/clean', { older_than_hours })
          if (status !== 200) return `answered ${status}`
          return Object.entries(body as object)
            .map((entry) => entry.join(' '))
            .join(', ')
        },
      }),
    },
  ]
  const runner = startRunner({ db, lease, jobs, tickMs: ms(config.LEASE_SECONDS) / 15, log })

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers: config.PEERS,
    door,
    description: 'Does what is due: unpaid and forgotten orders, ended days, the daily report, old events.',
  })
  const readiness = () => ({ database: migrating.state(), kafka: consumer.state() })
  const health = () => ({ is_runner: lease.isOurs(), lease: runner.state(), mail: mailer.state() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health, alive: 'healthy' }))
  const { 'kitchen-service': kitchen, 'analytics-service': analytics } = neighbours
  const roads = createRoads({ db, kitchen, analytics })
  await app.register(guarded(config.GATEWAY_SECRET, schedulerRoutes({ db, runner, lease, jobs, roads })))

  app.addHook('onClose', async () => {
    await runner.close()
    await consumer.close()
    await sender.close()
    mailer.close()
    await Promise.all(Object.values(neighbours).map((neighbour) => neighbour.close()))
    await migrating.close()
    await db.close()
  })
  return app
}
