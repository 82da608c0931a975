/** One request of the collection: a route of the document, as whom, with what, and what is kept of the answer. */
export interface Step {
  /** `POST /api/orders`, as in the OpenAPI document. */
  route: string
  /** In a collection every request has a name of its own; the summary of the route by default. */
  name?: string
  /** Whose session it is sent with; without one where the route is public. */
  as?: Person
  body?: object
  query?: Record<string, string>
  headers?: Record<string, string>
  status: number
  /** Variable to the place in the answer where its value is, e.g. `user.user_id`, `0.ticket_id`. */
  keep?: Record<string, string>
  /** A condition on `answer`; until it holds the request is sent again, for what arrives by way of a topic. */
  until?: string
  /** Scripts that run before it, besides. */
  before?: string[]
}

export type Person = 'admin' | 'owner' | 'kitchen' | 'customer'

export interface Folder {
  name: string
  steps: Step[]
}

interface Operation {
  summary?: string
  'x-roles'?: string[]
}
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>
}

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/** A Postman collection that covers every route of the document below `/api`, or an error that names what is missing. */
export function collectionOf(document: OpenApi, folders: Folder[]) {
  const routes = new Map<string, Operation>(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    ),
  )
  const steps = folders.flatMap((folder) => folder.steps)
  const covered = new Set(steps.map(({ route }) => route))
  const isApi = (route: string) => route.includes(' /api/') && !route.startsWith('HEAD ')
  const missing = [...routes.keys()].filter((route) => isApi(route) && !covered.has(route))
  const unknown = [...covered].filter((route) => !routes.has(route))
  if (missing.length + unknown.length > 0)
    throw new Error(`the collection lacks: ${missing.join(', ')}; the document lacks: ${unknown.join(', ')}`)

  const names = new Set<string>()
  const itemOf = (step: Step) => {
    const name = step.name ?? routes.get(step.route)?.summary ?? step.route
    if (names.has(name)) throw new Error(`two requests are called '${name}'`)
    names.add(name)
    return { name, event: eventsOf(step, name), request: requestOf(step), response: [] }
  }
  return {
    info: {
      name: 'RestMan Complete API',
      description:
        'Every route of the platform, through the gateway, in an order that works from an empty platform. Made from the OpenAPI documents.',
      schema: SCHEMA,
    },
    item: folders.map(({ name, steps }) => ({ name, item: steps.map(itemOf) })),
  }
}

function requestOf({ route, as, body, query = {}, headers = {} }: Step) {
  const [method = '', path = ''] = route.split(' ')
  const segments = path.slice(1).replaceAll('{', '{{').replaceAll('}', '}}').split('/')
  const pairs = Object.entries(query)
  const search = pairs.map((pair) => pair.join('=')).join('&')
  const sent = {
    ...(body && { 'Content-Type': 'application/json' }),
    ...(as && { Authorization: `Bearer {{${as}_token}}` }),
    ...headers,
  }
  return {
    method,
    header: Object.entries(sent).map(([key, value]) => ({ key, value })),
    ...(body && {
      body: { mode: 'raw', raw: JSON.stringify(body, null, 2), options: { raw: { language: 'json' } } },
    }),
    url: {
      raw: `{{gateway_url}}/${segments.join('/')}${search && `?${search}`}`,
      host: ['{{gateway_url}}'],
      path: segments,
      ...(pairs.length > 0 && { query: pairs.map(([key, value]) => ({ key, value })) }),
    },
  }
}

const TRIES = 80
const EVERY_MS = 250

function eventsOf({ status, keep = {}, until, before = [] }: Step, name: string) {
  const checks = [
    `pm.test('answers ${status}', () => pm.response.to.have.status(${status}))`,
    ...Object.entries(keep).map(
      ([variable, place]) =>
        `pm.environment.set('${variable}', ${JSON.stringify(place.split('.'))}.reduce((node, key) => node[key], pm.response.json()))`,
    ),
  ]
  const test = until
    ? [
        `const answer = pm.response.code === ${status} ? pm.response.json() : undefined`,
        `const tries = Number(pm.environment.get('tries') || 0)`,
        `if ((answer === undefined || !(${until})) && tries < ${TRIES}) {`,
        `  pm.environment.set('tries', tries + 1)`,
        `  setTimeout(() => pm.execution.setNextRequest(${JSON.stringify(name)}), ${EVERY_MS})`,
        '} else {',
        `  pm.environment.unset('tries')`,
        `  pm.test(${JSON.stringify(until)}, () => pm.expect(answer !== undefined && (${until})).to.be.true)`,
        ...checks.map((line) => `  ${line}`),
        '}',
      ]
    : checks
  return [
    ...(before.length > 0 ? [{ listen: 'prerequest', script: scriptOf(before) }] : []),
    { listen: 'test', script: scriptOf(test) },
  ]
}

const scriptOf = (exec: string[]) => ({ type: 'text/javascript', exec })

/** What the collection asks for, and what it keeps on its way. */
export function environmentOf(folders: Folder[], values: Record<string, string>) {
  const kept = folders.flatMap(({ steps }) => steps.flatMap(({ keep = {} }) => Object.keys(keep)))
  const empty = [...new Set(kept)].filter((key) => !(key in values)).map((key) => [key, ''])
  return {
    name: 'RestMan Complete',
    values: [...Object.entries(values), ...empty].map(([key, value]) => ({ key, value, enabled: true })),
    _postman_variable_scope: 'environment',
  }
}
