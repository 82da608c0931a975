import { ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { connectBroker } from '../broker/connection.ts'
import { OUTBOX_SCHEMA } from '../outbox/outbox.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { DEAD_LETTERS_SCHEMA } from './dead-letters.ts'

const service = 'order-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const store = openStore(service, config.DATA_DIR, ORDERS_SCHEMA + OUTBOX_SCHEMA + DEAD_LETTERS_SCHEMA)
const broker = await connectBroker({
  url: config.RABBITMQ_URL,
  name: service,
  ladderMs: config.RETRY_LADDER_MS,
  retryForMs: config.RETRY_FOR_SECONDS * 1_000,
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
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
