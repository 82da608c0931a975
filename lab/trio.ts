import { INITIAL_STOCK, type Stock } from '@lab/common/domain/stock.ts'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { type StartPartOptions, startPart } from '@lab/stack/part.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { parts } from '../parts.ts'

/** The parts that carry the same order over different transports: what the bench compares. */
export type TrioName = 'sync-rest' | 'async-rabbitmq' | 'streaming-kafka'

/** What a service is in the workflow, whatever its part calls it. */
type TrioRole = 'order' | 'inventory' | 'notification' | 'analytics'

export type TrioService = ServiceProcess & { readonly role: TrioRole }

/** A part as three services that stand for the same in all trios. */
export interface RunningTrio extends Omit<RunningPart, 'services' | 'twin'> {
  part: TrioName
  order: TrioService
  inventory: TrioService
  /** Notification in A and B, analytics in C. */
  third: TrioService
  services: TrioService[]
  /** The broker as this part sees it: its own virtual host, unless `fresh` was false. */
  rabbit?: RabbitBroker
  kafka?: KafkaBroker
  twin?(role: TrioRole): Promise<TrioService>
}

export interface StartTrioOptions extends Omit<StartPartOptions, 'servers' | 'serviceEnv'> {
  rabbit?: RabbitBroker
  kafka?: KafkaBroker
  serviceEnv?: Partial<Record<TrioRole, Record<string, string>>>
}

/** A trio's roles, in the order of its services. */
const ROLES: Record<TrioName, readonly TrioRole[]> = {
  'sync-rest': ['order', 'inventory', 'notification'],
  'async-rabbitmq': ['order', 'inventory', 'notification'],
  'streaming-kafka': ['order', 'inventory', 'analytics'],
}

/** The trios that are there, in the order of the registry. */
export const trios: readonly PartSpec[] = parts.filter(({ isTrio }) => isTrio)

export const TRIOS = trios.map(({ name }) => name as TrioName)

/** Throws when the trio was deleted. */
export function trioSpec(name: TrioName): PartSpec {
  const spec = trios.find((one) => one.name === name)
  if (!spec) throw new Error(`${name} is not listed in parts.ts`)
  return spec
}

/** The service that has this role in a trio; undefined when none has. */
export const serviceOf = (name: TrioName, role: TrioRole): string | undefined =>
  trioSpec(name).services[ROLES[name].indexOf(role)]?.name

/** What the service is in the workflow. */
export const roleOf = (name: TrioName, service: string): TrioRole | undefined =>
  ROLES[name][trioSpec(name).services.findIndex((one) => one.name === service)]

/** The broker that a trio needs, asked for only when it needs one. */
export async function brokerFor(
  name: TrioName,
  { server }: { server: <Name extends 'rabbitmq' | 'kafka'>(name: Name) => Promise<Servers[Name]> },
): Promise<Pick<StartTrioOptions, 'rabbit' | 'kafka'>> {
  const { servers } = trioSpec(name)
  if (servers.includes('rabbitmq')) return { rabbit: await server('rabbitmq') }
  return servers.includes('kafka') ? { kafka: await server('kafka') } : {}
}

/** Starts a trio as processes of the run, or as `start` has it. */
export async function startTrio(
  name: TrioName,
  { rabbit, kafka, serviceEnv = {}, ...options }: StartTrioOptions,
  start: PartStarter['startPart'] = startPart,
): Promise<RunningTrio> {
  const named = Object.entries(serviceEnv).flatMap(([role, env]) => {
    const service = serviceOf(name, role as TrioRole)
    return service ? [[service, env] as const] : []
  })
  const servers = { ...(rabbit && { rabbitmq: rabbit }), ...(kafka && { kafka }) }
  return asTrio(await start(trioSpec(name), { ...options, servers, serviceEnv: Object.fromEntries(named) }))
}

function asTrio(part: RunningPart): RunningTrio {
  const name = part.spec.name as TrioName
  const services = Object.values(part.services).map((service, at) => withRole(service, ROLES[name][at]!))
  const [order, inventory, third] = services as [TrioService, TrioService, TrioService]
  const { rabbitmq, kafka } = part.servers
  const { services: _, twin, ...rest } = part
  return {
    ...rest,
    part: name,
    order,
    inventory,
    third,
    services,
    ...(rabbitmq && { rabbit: rabbitmq }),
    ...(kafka && { kafka }),
    ...(twin && { twin: async (role: TrioRole) => withRole(await twin(serviceOf(name, role)!), role) }),
  }
}

/** The service itself, not a copy: what it tells of itself changes. */
const withRole = (service: ServiceProcess, role: TrioRole): TrioService => Object.assign(service, { role })

export interface StepPlace {
  part: TrioName
  /** The services that pass it. */
  roles: readonly TrioRole[]
  means: string
}

/** Every step of every trio, by its name. */
export const steps: Readonly<Record<string, StepPlace>> = Object.fromEntries(
  trios.flatMap((spec) =>
    Object.entries(spec.steps ?? {}).map(([step, { services, means }]) => {
      const part = spec.name as TrioName
      return [step, { part, roles: services.map((service) => roleOf(part, service)!), means }]
    }),
  ),
)

/** Enough stock for `orders` of one item each, taken in turn: the seed's 100 where that will do. */
export function stockFor(orders: number): Stock {
  // Each load starts over with the first item, so the three are not taken quite evenly.
  const each = Math.max(INITIAL_STOCK.burger, Math.ceil(orders / 3) + 10)
  return ofEach(each)
}

export const ofEach = (count: number): Stock => ({ burger: count, pizza: count, salad: count })

/** The stock as the `STOCK` variable of an inventory service. */
export const stockEnv = (stock: Stock): { STOCK: string } => ({
  STOCK: Object.entries(stock)
    .map(([item, count]) => `${item}=${count}`)
    .join(','),
})
