import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { connectMqtt } from '../mqtt/connect.ts'
import { brokerOf } from '../mqtt/env.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { DESK_SCHEMA } from './order-store.ts'

const service = 'order-desk-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const store = openStore(service, config.DATA_DIR, DESK_SCHEMA, { isExclusive: true })
const onRefused = (err: Error) => {
  log.fatal({ err }, 'refused: another order desk has its session')
  process.stderr.write(`${service}: ${err.message}\n`)
  process.exit(1)
}
const app = await buildApp({
  service,
  log,
  store,
  connect: (options) => connectMqtt({ ...brokerOf(config), ...options, log }),
  sessionExpirySeconds: config.SESSION_EXPIRY_SECONDS,
  onRefused,
  door: doorOf(config),
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
