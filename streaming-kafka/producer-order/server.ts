import { OrderStream } from '@lab/common/order-stream.ts'
import { doorOf } from '@lab/kit/config.ts'
import { Faults } from '@lab/kit/faults.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { createLogAdmin } from '../broker/admin.ts'
import { openAppender } from '../broker/appender.ts'
import { addressOf, layoutOf } from '../broker/env.ts'
import { ORDER_EVENTS } from '../broker/topics.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createOrderTable } from './order-table.ts'
import { openOrderView } from './order-view.ts'

const config = configOrExit('producer-order', () => loadConfig(process.env))
const log = createLog('producer-order', config.LOG_LEVEL)
const kafka = { ...addressOf(config), clientId: 'producer-order', log }

const admin = createLogAdmin(kafka, layoutOf(config))
const stream = new OrderStream(config.MAX_STREAM_CLIENTS)
const metrics = createMetrics('producer-order')
const view = openOrderView(kafka, { admin, table: createOrderTable(), stream, metrics })
const { PRODUCE_TIMEOUT_MS: timeoutMs, PRODUCER_ACKS: acks } = config
const orderLog = openAppender(kafka, { topic: ORDER_EVENTS, timeoutMs, acks, metrics })
const [faults, door, peers] = [new Faults(), doorOf(config), config.PEERS]
const app = await buildApp({ orderLog, view, stream, faults, metrics, log, door, peers })

app.addHook('onClose', () => Promise.all([orderLog.close(), view.close()]).then(() => admin.close()))
closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })
log.info({ url: await app.listen({ host: config.HOST, port: config.PORT }) }, 'listening')
