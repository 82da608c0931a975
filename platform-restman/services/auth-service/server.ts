import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { openDb } from '../../shared/db/db.ts'
import { keepMigrating } from '../../shared/db/migrate.ts'
import { brokersOf } from '../../shared/kafka/env.ts'
import { startRelay } from '../../shared/kafka/relay.ts'
import { smtpOf } from '../../shared/mail/env.ts'
import { openMailer } from '../../shared/mail/mailer.ts'
import { openRedis } from '../../shared/redis/client.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'

const service = 'auth-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)
const metrics = createMetrics(service)

const db = openDb({ url: config.DATABASE_URL, connections: config.DATABASE_CONNECTIONS, log })
const app = await buildApp({
  service,
  log,
  metrics,
  db,
  tables: keepMigrating(db, service, { skip: config.SKIP_MIGRATIONS, log }),
  redis: openRedis(config.REDIS_URL, log),
  mailer: openMailer(smtpOf(config), log),
  relay: startRelay(db, { ...brokersOf(config), clientId: service, log }, metrics),
  secret: config.GATEWAY_SECRET,
  adminEmail: config.ADMIN_EMAIL,
  mailsPerHour: config.OTP_MAILS_PER_HOUR,
  sessionSeconds: config.SESSION_SECONDS,
  door: doorOf(config),
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
