import { doorOf } from '@lab/common/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/common/kit/lifecycle.ts'
import { createLog } from '@lab/common/kit/log.ts'
import { ORDERS_SCHEMA } from '@lab/common/kit/order-store.ts'
import { openStore } from '@lab/common/kit/store.ts'
import { connectBroker } from '../broker/connection.ts'
import { OUTBOX_SCHEMA } from '../outbox/outbox.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'

const service = 'order-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const store = openStore(service, config.DATA_DIR, ORDERS_SCHEMA + OUTBOX_SCHEMA)
const broker = await connectBroker({
  url: config.RABBITMQ_URL,
  name: service,
  ladderMs: config.RETRY_LADDER_MS,
  log,
})
const app = await buildApp({
  service,
  log,
  store,
  broker,
  prefetch: config.PREFETCH,
  window: config.CONFIRM_WINDOW,
  outboxLimit: config.OUTBOX_LIMIT,
  streamClients: config.MAX_STREAM_CLIENTS,
  door: doorOf(config),
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
