import type { RoutePlugin } from '@lab/kit/http.ts'
import type { LivePart } from '../wire/parts.ts'
import { startFigures } from './figures/index.ts'
import { figureRoutes } from './figures/routes.ts'
import { startFlow } from './flow/index.ts'
import { lanesOf } from './flow/lanes.ts'
import { flowRoutes } from './flow/routes.ts'
import type { Recorder } from './recorder.ts'
import { viewRoutes } from './views/routes.ts'

export interface LaneRoutesDeps {
  parts: readonly LivePart[]
  recorder: Recorder
}

/** Looks at the trios for as long as the app runs: their orders, their figures, their brokers. */
export function laneRoutes({ parts, recorder }: LaneRoutesDeps): RoutePlugin {
  return async (app) => {
    const lanes = lanesOf(parts)
    const watching = () => recorder.readers
    const flow = startFlow({
      lanes,
      recorder,
      watching,
      onUpdates: (lane, updates) => figures.onUpdates(lane, updates),
    })
    const figures = startFigures({
      lanes,
      watching,
      publish: (seen) => recorder.publish('figures', seen, seen.at),
      sources: flow.sources,
    })
    await app.register(flowRoutes({ lanes, flow, recorder }))
    await app.register(figureRoutes(figures))
    await app.register(viewRoutes({ lanes, publish: (replay) => recorder.publish('replay', replay) }))
    app.addHook('onClose', async () => {
      await Promise.all([flow.close(), figures.close()])
    })
  }
}
