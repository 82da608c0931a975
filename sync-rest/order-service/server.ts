import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { lockDataDir } from './lock-data-dir.ts'
import { SCHEMA } from './orders.ts'
import { openUpstream } from './upstream.ts'

const service = 'order-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const lock = configOrExit(service, () => lockDataDir(service, config.DATA_DIR))
const store = openStore(service, config.DATA_DIR, SCHEMA)
const calls = { timeoutMs: config.UPSTREAM_TIMEOUT_MS, connections: config.UPSTREAM_CONNECTIONS }
const inventory = openUpstream(config.INVENTORY_URL, calls)
const notification = openUpstream(config.NOTIFICATION_URL, calls)
// What inventory has not answered by then is settled after the next start.
const giveUpAfterMs = config.SHUTDOWN_DEADLINE_MS * 0.7
const app = await buildApp({
  service,
  log,
  store,
  inventory,
  notification,
  giveUpAfterMs,
  streamClients: config.MAX_STREAM_CLIENTS,
  door: doorOf(config),
  peers: config.PEERS,
})

const close = async () => {
  await app.close()
  lock.release()
}
closeOnSignal(close, { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
