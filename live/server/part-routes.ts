import type { Door } from '@lab/kit/door.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { LivePart, ShownPart, Surroundings } from '../wire/parts.ts'
import { commandsFor } from './origin.ts'

export interface PartRoutesDeps {
  parts: readonly LivePart[]
  /** Whether an `up` stops and starts what runs. */
  control: boolean
  door: Door
}

/** `GET /api/parts`: what there is to look at, and what the caller may do with it. */
export function partRoutes({ parts, control, door }: PartRoutesDeps): RoutePlugin {
  const shown = parts.map(showPart)
  return async (app) => {
    app.get(
      '/api/parts',
      { schema: { summary: 'The parts, and what may be done', tags: ['live'] } },
      async (request) =>
        ({
          parts: shown,
          commands: commandsFor(door, request),
          control,
        }) satisfies Surroundings,
    )
  }
}

/** Without what holds a password. */
const showPart = ({ name, style, isTrio, services, servers }: LivePart): ShownPart => ({
  name,
  style,
  isTrio,
  services,
  servers: Object.keys(servers),
  ...(servers.rabbitmq && { managementUrl: servers.rabbitmq.managementUrl }),
})
