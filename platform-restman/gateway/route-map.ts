import type { Config } from './config.ts'

/** What the gateway calls a service, and what the service calls itself. */
export const SERVICES = {
  auth: 'auth-service',
  restaurant: 'restaurant-service',
  order: 'order-service',
  kitchen: 'kitchen-service',
  billing: 'billing-service',
  analytics: 'analytics-service',
  scheduler: 'scheduler-service',
} as const
export type ServiceKey = keyof typeof SERVICES

export const addressesOf = (config: Config): Record<ServiceKey, string> => ({
  auth: config.AUTH_SERVICE_URL,
  restaurant: config.RESTAURANT_SERVICE_URL,
  order: config.ORDER_SERVICE_URL,
  kitchen: config.KITCHEN_SERVICE_URL,
  billing: config.BILLING_SERVICE_URL,
  analytics: config.ANALYTICS_SERVICE_URL,
  scheduler: config.SCHEDULER_SERVICE_URL,
})

/** The first word of a path after `/api`, and whose it is. */
const OWNERS: Readonly<Record<string, ServiceKey>> = {
  __proto__: null as never,
  auth: 'auth',
  restaurants: 'restaurant',
  categories: 'restaurant',
  foods: 'restaurant',
  orders: 'order',
  kitchen: 'kitchen',
  billing: 'billing',
  analytics: 'analytics',
  scheduler: 'scheduler',
}

/** Whole methods and paths: nothing else is open to whoever has no session. */
const PUBLIC = new Set(['POST /api/auth/request-otp', 'POST /api/auth/verify-otp'])
export const HEALTH_PATHS: Readonly<Record<string, ServiceKey>> = Object.fromEntries(
  Object.entries(OWNERS).map(([word, key]) => [`/api/${word}/health`, key]),
)
const HEALTH = new Map(Object.entries(HEALTH_PATHS).map(([path, key]) => [`GET ${path}`, key]))

/** Written in one way only: a path that could be read in two would be checked in one of them and routed by the other. */
const CANONICAL = /^\/api\/([a-z]+)(?:\/[\w-]+)*$/

export type Target =
  | { kind: 'health'; service: ServiceKey }
  | { kind: 'public' | 'private'; service: ServiceKey }

/** Where a request goes; undefined where there is nothing. */
export function targetOf(method: string, url: string): Target | undefined {
  const [path = ''] = url.split('?', 1)
  const word = CANONICAL.exec(path)?.[1]
  const service = word === undefined ? undefined : OWNERS[word]
  if (service === undefined) return undefined
  const health = HEALTH.get(`${method} ${path}`)
  if (health) return { kind: 'health', service: health }
  return { kind: PUBLIC.has(`${method} ${path}`) ? 'public' : 'private', service }
}
