import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { connectBroker } from '../broker/connection.ts'
import { createStockOwner } from '../broker/stock-owner.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { INVENTORY_SCHEMA } from './schema.ts'
import { storeIdentity } from './store-identity.ts'

const service = 'inventory-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const store = openStore(service, config.DATA_DIR, INVENTORY_SCHEMA)
const broker = await connectBroker({
  url: config.RABBITMQ_URL,
  name: service,
  ladderMs: config.RETRY_LADDER_MS,
  retryForMs: config.RETRY_FOR_SECONDS * 1_000,
  log,
})
const onRefused = (err: Error) => {
  log.fatal({ err }, 'refused: the stock has another owner')
  process.stderr.write(`${service}: ${err.message}\n`)
  // It consumes and publishes nothing without the claim: there is nothing to finish.
  process.exit(1)
}
const identity = storeIdentity(service, config.DATA_DIR)
const owner = createStockOwner({
  broker,
  store: identity,
  isStoreFree: store.isFree,
  waitMs: config.OWNER_WAIT_MS,
  onRefused,
  log,
})
const { PREFETCH: prefetch, CONFIRM_WINDOW: window, STOCK: stock } = config
const [door, peers] = [doorOf(config), config.PEERS]
const app = await buildApp({ service, log, store, broker, owner, prefetch, window, stock, door, peers })

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
