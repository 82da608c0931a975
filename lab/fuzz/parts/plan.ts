import type { RunningTrio, TrioService } from '../../trio.ts'
import { type Route, readRoutes } from '../http/document.ts'

/** One thing to fuzz over HTTP. Without a route: everything a service does not have. */
export interface Target {
  name: string
  service: TrioService
  route: Route | undefined
  routes: Route[]
}

/**
 * Every route of every service. What only reads comes first, while lists are short; then the switches of faults; what
 * stores orders comes last.
 */
export async function planRoutes({ services }: RunningTrio, signal: AbortSignal): Promise<Target[]> {
  const targets: Target[] = []
  for (const service of services) {
    const routes = await readRoutes(service.url, signal)
    const ours = routes.map((route) => ({ name: nameOf(service, route), service, route, routes }))
    targets.push(...ours, { name: `${service.name} any other path`, service, route: undefined, routes })
  }
  return targets.sort((a, b) => rankOf(a) - rankOf(b))
}

const nameOf = ({ name }: TrioService, { method, path }: Route) => `${name} ${method} ${path}`

export const isSwitch = ({ route }: Target): boolean => route?.path.startsWith('/admin/') ?? false
/** Its requests can change what the part holds. */
export const isWrite = ({ route }: Target): boolean => route?.method === 'POST'

function rankOf(target: Target): number {
  if (isSwitch(target)) return 1
  if (isWrite(target)) return 2
  // A scrape has a line for each combination of route, method and status that was ever met.
  return target.route?.path === '/metrics' ? -1 : 0
}
