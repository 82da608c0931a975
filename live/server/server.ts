import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'

const service = 'live'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const app = await buildApp({
  service,
  log,
  page: config,
  parts: config.LIVE_PARTS,
  control: config.LIVE_CONTROL,
  door: doorOf(config),
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
