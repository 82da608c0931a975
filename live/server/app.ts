import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { pageOf } from '@lab/kit/page.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { ControlClient } from '@lab/stack/control/client.ts'
import type { LivePart } from '../wire/parts.ts'
import { deskRoutes } from './desk/routes.ts'
import { type ExperimentsDeps, experimentRoutes } from './experiments/routes.ts'
import { laneRoutes } from './lanes.ts'
import { refuseForeignPages } from './origin.ts'
import { partRoutes } from './part-routes.ts'
import { Recorder } from './recorder.ts'
import { streamRoutes } from './stream.ts'
import { switchRoutes } from './switches/routes.ts'

export interface AppDeps {
  service: string
  log: Logger
  /** Where the page is, as the environment says. */
  page: Parameters<typeof pageOf>[0]
  parts: readonly LivePart[]
  /** The `up` that started this. */
  control?: ControlClient | undefined
  /** Where experiments are run from. */
  lab?: ExperimentsDeps['lab']
  /** Where the dead-letter desk keeps its audit trail. */
  deskFolder: string
  door?: Door | undefined
  recorder?: Recorder
}

/**
 * The live page and what it shows: read from outside, over HTTP and from the brokers themselves. Whatever changes something
 * is a route below `/admin`, and so behind the same door as the switches of every service.
 */
export async function buildApp({ service, log, page, parts, control, lab, door = {}, ...deps }: AppDeps) {
  const { deskFolder, recorder = new Recorder() } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'live',
    service,
    description: 'The live page over the parts, and what it shows.',
    log,
    metrics,
    faults,
    hasPage: true,
    door,
  })
  app.addHook('onRequest', refuseForeignPages(door))
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({}) }))
  await app.register(streamRoutes(recorder))
  await app.register(partRoutes({ parts, control: control !== undefined, door }))
  await app.register(switchRoutes({ parts, control, recorder }))
  await app.register(experimentRoutes({ lab, recorder }))
  await app.register(laneRoutes({ parts, recorder }))
  await app.register(deskRoutes({ parts, recorder, folder: deskFolder }))
  await app.register(pageOf(page, {}))
  return app
}
