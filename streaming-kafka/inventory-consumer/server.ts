import { doorOf } from '@lab/kit/config.ts'
import { Faults } from '@lab/kit/faults.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { createLogAdmin } from '../broker/admin.ts'
import { addressOf, layoutOf } from '../broker/env.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { openInventory } from './inventory.ts'

const config = configOrExit('inventory-consumer', () => loadConfig(process.env))
const log = createLog('inventory-consumer', config.LOG_LEVEL)
const kafka = { ...addressOf(config), clientId: 'inventory-consumer', log }

const [faults, metrics] = [new Faults(), createMetrics('inventory-consumer')]
const admin = createLogAdmin(kafka, layoutOf(config))
const inventory = openInventory(kafka, { admin, configured: config.STOCK, faults, metrics })
const app = await buildApp({ inventory, faults, metrics, log, door: doorOf(config), peers: config.PEERS })

app.addHook('onClose', () => inventory.close().then(admin.close))
closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })
log.info({ url: await app.listen({ host: config.HOST, port: config.PORT }) }, 'listening')
