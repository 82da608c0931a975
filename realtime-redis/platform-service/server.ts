import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { connectRedis } from '../redis/connect.ts'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'

const service = 'platform-service'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const app = await buildApp({
  service,
  log,
  connection: connectRedis(config, service, log),
  origins: config.ALLOWED_ORIGINS,
  timeZone: config.TIME_ZONE,
  eventsKept: config.EVENTS_KEPT,
  guesses: config.TRACK_GUESSES,
  sockets: {
    most: config.MAX_SOCKETS,
    bufferBytes: config.SOCKET_BUFFER_BYTES,
    pingMs: config.SOCKET_PING_MS,
  },
  door: doorOf(config),
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
