import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openDb } from '../../shared/db/db.ts'
import { brokersOf } from '../../shared/kafka/env.ts'
import { smtpOf } from '../../shared/mail/env.ts'
import { openMailer } from '../../shared/mail/mailer.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'

const service = 'kitchen-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const app = await buildApp({
  service,
  config,
  log,
  db: openDb({ url: config.DATABASE_URL, connections: config.DATABASE_CONNECTIONS, log }),
  kafka: { ...brokersOf(config), clientId: service, log },
  mailer: openMailer(smtpOf(config), log),
  door: doorOf(config),
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
