import type { FastifyRequest, RouteOptions } from 'fastify'
import { LabError } from './errors.ts'

export interface RouteTable {
  add: (route: Pick<RouteOptions, 'url' | 'method'>) => void
  /** The methods of the path of this URL, `OPTIONS` among them; none when no route has it. */
  allowed: (url: string) => string[]
}

const PARAMETER = /:\w+|\*/g

/** The routes of an app by their paths, to tell a wrong method (405) from a wrong path (404). */
export function createRouteTable(): RouteTable {
  const exact = new Map<string, Set<string>>()
  const patterns = new Map<string, { fits: RegExp; methods: Set<string> }>()
  const methodsOf = (url: string) => {
    const known = exact.get(url) ?? patterns.get(url)?.methods
    if (known) return known
    const methods = new Set<string>()
    if (url.split(PARAMETER).length === 1) exact.set(url, methods)
    else patterns.set(url, { fits: patternOf(url), methods })
    return methods
  }
  return {
    add: ({ url, method }) => {
      for (const one of [method].flat()) methodsOf(url).add(one)
    },
    allowed: (url) => {
      const path = pathOf(url)
      const methods = exact.get(path) ?? [...patterns.values()].find(({ fits }) => fits.test(path))?.methods
      return methods ? [...methods, 'OPTIONS'].sort() : []
    },
  }
}

const patternOf = (url: string): RegExp => {
  const fixed = url.split(PARAMETER).map((text) => text.replace(/[$()*+.?[\]^{|}\\]/g, '\\$&'))
  const parts = [...url.matchAll(PARAMETER)].map(([part]) => (part === '*' ? '.*' : '[^/]+'))
  return new RegExp(`^${fixed.map((text, at) => text + (parts[at] ?? '')).join('')}$`)
}

/** As the router reads it. */
function pathOf(url: string): string {
  const [path = ''] = url.split(/[?#;]/, 1)
  try {
    return decodeURI(path)
  } catch {
    // Not UTF-8: no route has such a path.
    return path
  }
}

/** What a request is answered that no route takes. */
export function noRoute({ method, url }: FastifyRequest, allowed: string[]): LabError {
  return allowed.length === 0
    ? new LabError('LAB_NOT_FOUND', `${method} ${url} does not exist`)
    : new LabError('LAB_METHOD_NOT_ALLOWED', `${method} is not allowed here, only ${allowed.join(', ')}`)
}
