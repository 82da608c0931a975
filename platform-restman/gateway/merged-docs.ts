import { json } from 'node:stream/consumers'
import type { Document } from '@lab/kit/docs.ts'
import type { Logger } from '@lab/kit/log.ts'
import { HEALTH_PATHS, SERVICES } from './route-map.ts'
import type { Upstream } from './upstream.ts'

interface Operation {
  'x-roles'?: string[]
}
type Paths = Record<string, Record<string, Operation>>

interface Merged {
  paths: Paths
  schemas: Record<string, object>
}

const FRESH_MS = 1_000
/** A service makes its document when it is asked for the first time, and all are asked at once. */
const MAKING_MS = 10_000
const REFERENCE = /"#\/components\/schemas\/(\w+)"/g

/** The documents of all services as one, of what the gateway passes on. A service that is away keeps what it said last. */
export function createMergedDocs(upstreams: Record<string, Upstream>, log: Logger) {
  const known = new Map<string, Merged>()
  let fetchedAt = Number.NEGATIVE_INFINITY
  let fetching = Promise.resolve()

  async function fetchOne(key: string, upstream: Upstream): Promise<void> {
    try {
      const { status, body } = await upstream.ask('/docs/json', MAKING_MS)
      const document = (await json(body)) as Document
      if (status !== 200) throw new Error(`/docs/json answered ${status}`)
      known.set(key, publicPart(key, document))
    } catch (err) {
      log.warn({ err, service: upstream.service }, 'no document')
    }
  }
  return {
    prepare(): Promise<void> {
      if (performance.now() - fetchedAt > FRESH_MS) {
        fetchedAt = performance.now()
        fetching = Promise.all(Object.entries(upstreams).map((entry) => fetchOne(...entry))).then(() => {})
      }
      return fetching
    },
    document(own: Document): Document {
      const merged = [...known.values()]
      const missing = Object.entries(upstreams).flatMap(([key, { service }]) =>
        known.has(key) ? [] : [service],
      )
      const info = own.info as { title: string; description: string; version: string }
      const note = missing.length === 0 ? '' : ` Missing here, as they are away: ${missing.join(', ')}.`
      const components = own.components as { schemas?: object; securitySchemes?: object } | undefined
      return {
        ...own,
        info: {
          ...info,
          title: 'RestMan',
          description: `Everything that the gateway passes on. Sign in with POST /api/auth/request-otp and /verify-otp.${note}`,
        },
        paths: secured(Object.assign(ownPaths(own), healthPaths, ...merged.map(({ paths }) => paths))),
        components: {
          ...components,
          schemas: Object.assign({}, ...merged.map(({ schemas }) => schemas), components?.schemas),
          securitySchemes: {
            ...components?.securitySchemes,
            session: {
              type: 'http',
              scheme: 'bearer',
              description: 'The session_token of /api/auth/verify-otp',
            },
          },
        },
      }
    },
  }
}

const isPassedOn = (path: string) => path.startsWith('/api/')

const healthPaths = Object.fromEntries(
  Object.entries(HEALTH_PATHS).map(([path, key]) => {
    const summary = `How the ${SERVICES[key]} is`
    const responses = { 200: { description: 'It is alive', content: { 'application/json': {} } } }
    return [path, { get: { summary, tags: ['health'], 'x-roles': ['anonymous'], responses } }]
  }),
)

const isForServices = (operation: Operation) => operation['x-roles']?.every((role) => role === 'service')

/** Services ask for a signature of the gateway; whoever comes to the gateway shows a session. */
const secured = (paths: Paths): Paths =>
  Object.fromEntries(
    Object.entries(paths).map(([path, methods]) => {
      const shown = Object.entries(methods).map(([method, operation]) => {
        const roles = operation['x-roles']
        const needsSession = roles !== undefined && !roles.includes('anonymous')
        return [method, needsSession ? { ...operation, security: [{ session: [] }] } : operation]
      })
      return [path, Object.fromEntries(shown)]
    }),
  )

const ownPaths = ({ paths = {} }: Document): Paths =>
  Object.fromEntries(Object.entries(paths as Merged['paths']).filter(([path]) => !path.includes('*')))

/** Its paths below `/api`, and its schemas by names that no other service has. */
function publicPart(key: string, { paths = {}, components }: Document): Merged {
  const shown = Object.entries(paths as Paths).flatMap(([path, methods]) => {
    const forPeople = Object.entries(methods).filter(([, operation]) => !isForServices(operation))
    return isPassedOn(path) && forPeople.length > 0 ? [[path, Object.fromEntries(forPeople)] as const] : []
  })
  const schemas = (components as { schemas?: Merged['schemas'] } | undefined)?.schemas ?? {}
  const nameOf = (name: string) => (name === 'Problem' ? name : `${key}_${name}`)
  const renamed = <Node>(node: Node): Node =>
    JSON.parse(JSON.stringify(node).replace(REFERENCE, (_, name) => `"#/components/schemas/${nameOf(name)}"`))
  const used = Object.entries(schemas).map(([name, schema]) => [nameOf(name), renamed(schema)] as const)
  return { paths: renamed(Object.fromEntries(shown)), schemas: Object.fromEntries(used) }
}
