import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { buildApp } from './app.ts'
import { loadConfig, schema } from './config.ts'
import { deskFolder } from './desk/folder.ts'

const service = 'live'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const app = await buildApp({
  service,
  log,
  page: config,
  parts: config.LIVE_PARTS,
  control: await controlOf(config.LIVE_CONTROL),
  lab:
    config.LIVE_LAB === undefined
      ? undefined
      : { root: config.LIVE_LAB, results: config.LIVE_RESULTS, env: toolsOf(process.env) },
  deskFolder: deskFolder(config),
  door: doorOf(config),
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

/** Loaded where there is a socket: the image, which has none, leaves `stack` out. */
async function controlOf(path: string | undefined) {
  return path === undefined ? undefined : (await import('@lab/stack/control/client.ts')).controlAt(path)
}

/** Of this service's own environment, what a command of the lab finds its tools and brokers by. */
function toolsOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !Object.hasOwn(schema.shape, name)))
}

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
