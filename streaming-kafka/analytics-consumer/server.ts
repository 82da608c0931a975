import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { createLogAdmin } from '../broker/admin.ts'
import { openAppender } from '../broker/appender.ts'
import { addressOf, layoutOf } from '../broker/env.ts'
import { DEAD_LETTERS } from '../broker/topics.ts'
import { openAnalytics } from './analytics.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { ConsumerFaults } from './faults.ts'
import { createLagReport } from './lag-report.ts'
import { createPoison } from './poison.ts'
import { Projection } from './projection.ts'

const config = configOrExit('analytics-consumer', () => loadConfig(process.env))
const log = createLog('analytics-consumer', config.LOG_LEVEL)
const kafka = { ...addressOf(config), clientId: 'analytics-consumer', log }

const [faults, metrics, projection] = [
  new ConsumerFaults(),
  createMetrics('analytics-consumer'),
  new Projection(),
]
const admin = createLogAdmin(kafka, layoutOf(config))
const deadLetters = openAppender(kafka, { topic: DEAD_LETTERS, timeoutMs: 5_000, metrics })
const poison = createPoison(kafka, { admin, deadLetters })
const analytics = openAnalytics(kafka, { admin, projection, poison, faults, metrics })
const app = await buildApp({
  analytics,
  projection,
  poison,
  lag: createLagReport(admin, { positions: analytics.positions, openOrders: () => projection.openOrders() }),
  faults,
  metrics,
  log,
  door: doorOf(config),
  peers: config.PEERS,
})

app.addHook('onClose', () => analytics.close().then(deadLetters.close).then(admin.close))
closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })
log.info({ url: await app.listen({ host: config.HOST, port: config.PORT }) }, 'listening')
