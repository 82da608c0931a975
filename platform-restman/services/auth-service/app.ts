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
import type { Mailer } from '../../shared/mail/mailer.ts'
import type { Redis } from '../../shared/redis/client.ts'
import { createSessions } from '../../shared/redis/sessions.ts'
import { createCodeMails } from './code-mails.ts'
import { createOtp } from './otp.ts'
import { authRoutes } from './routes.ts'
import { createUsers } from './users.ts'

export interface AppDeps {
  service: string
  log: Logger
  metrics: Metrics
  db: Db
  tables: Migrating
  redis: Redis
  mailer: Mailer
  relay: Relay
  secret: string
  adminEmail: string | undefined
  mailsPerHour: number
  sessionSeconds: number
  door?: Door | undefined
  peers?: Record<string, string>
}

/** Signs people in by codes that come by mail, and keeps who they are and what they may do. */
export async function buildApp(deps: AppDeps) {
  const { service, log, metrics, db, tables, redis, mailer, relay, secret, sessionSeconds, door, peers } =
    deps
  const faults = new Faults()
  const mails = createCodeMails(mailer, log)
  const users = createUsers({
    db,
    adminEmail: deps.adminEmail,
    created: (tx, { user_id, email, role, created_at }) => {
      const data = { user_id, email, role, created_at }
      const event = newEvent({ type: 'user.created', source: service, subject: user_id, data })
      return addToOutbox(tx, { topic: TOPICS.user, key: user_id, event })
    },
  })
  const routes = authRoutes({
    users,
    mailer,
    mails,
    sessionSeconds,
    otp: createOtp(redis, { secret, mailsPerHour: deps.mailsPerHour }),
    sessions: createSessions(redis, { ttlSeconds: sessionSeconds }),
  })

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers,
    door,
    description: 'Signs people in by codes that come by mail, and says who they are.',
  })
  const readiness = () => ({
    database: db.state(),
    tables: tables.state(),
    redis: redis.state(),
    mail: mailer.state(),
    outbox: relay.state(),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, alive: 'healthy' }))
  await app.register(guarded(secret, routes, maintenanceRoutes(db)))
  app.addHook('onClose', async () => {
    mails.close()
    mailer.close()
    await Promise.all([tables.close(), relay.close()])
    await Promise.all([redis.close(), db.close()])
  })
  return app
}
