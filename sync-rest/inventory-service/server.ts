import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createReservations, SCHEMA } from './reservations.ts'

const service = 'inventory-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const store = openStore(service, config.DATA_DIR, SCHEMA)
const reservations = createReservations(store, config.STOCK)
const app = await buildApp({ service, log, reservations, door: doorOf(config), peers: config.PEERS })

// Fastify runs onClose after the requests in flight, so nothing is decided on a closed store.
app.addHook('onClose', async () => store.close())
closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
