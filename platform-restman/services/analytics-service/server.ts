import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { brokersOf } from '../../shared/kafka/env.ts'
import { buildApp } from './app.ts'
import { openClickHouse } from './clickhouse.ts'
import { loadConfig } from './config.ts'

const service = 'analytics-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const app = await buildApp({
  service,
  log,
  clickhouse: openClickHouse({ url: config.CLICKHOUSE_URL, database: config.CLICKHOUSE_DATABASE }),
  kafka: { ...brokersOf(config), clientId: service, log },
  secret: config.GATEWAY_SECRET,
  door: doorOf(config),
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
