import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { RestaurantOrders } from './restaurant-orders.ts'

/** What a command is given, as `CommandIo` of the command line has it. */
export interface Io {
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  print(line: string): void
  say(line: string): void
}

/** Never a public broker: whoever wants one names it. */
const DEFAULT_BROKER = 'mqtt://localhost:1883'

export const BROKER_HELP = `  --broker URL   mqtt, mqtts, ws or wss; MQTT_URL, else ${DEFAULT_BROKER}
                 MQTT_USERNAME and MQTT_PASSWORD say who asks
  --help         this text`

const common = { broker: { type: 'string' }, help: { type: 'boolean' } } as const

interface Command<Options extends ParseArgsOptionsConfig> {
  args: string[]
  io: Io
  usage: string
  options: Options
  /** Gives the exit code. */
  work(call: {
    restaurant: RestaurantOrders
    values: Record<string, string | boolean | undefined>
    positionals: string[]
  }): Promise<number>
}

/** Wrong use of a command. */
export class Usage extends Error {}

/** Exit code 2 for a wrong use, 1 when the broker does not do its part; rejects with the signal's reason on Ctrl-C. */
export async function runCommand<Options extends ParseArgsOptionsConfig>(
  command: Command<Options>,
): Promise<number> {
  const { args, io, usage, options, work } = command
  let restaurant: RestaurantOrders | undefined
  try {
    const { values, positionals } = parsed(args, { ...common, ...options })
    if (values.help) {
      io.print(usage)
      return 0
    }
    restaurant = new RestaurantOrders({
      broker: brokerUrl(values.broker ?? io.env.MQTT_URL ?? DEFAULT_BROKER),
      username: io.env.MQTT_USERNAME,
      password: io.env.MQTT_PASSWORD,
      signal: io.signal,
    })
    return await work({ restaurant, values, positionals })
  } catch (err) {
    if (io.signal.aborted) throw io.signal.reason
    if (err instanceof Usage) {
      io.say(`${err.message}\n\n${usage}`)
      return 2
    }
    if (!(err instanceof LabError)) throw err
    io.say(`❌ ${messageOf(err)}`)
    return 1
  } finally {
    await restaurant?.close()
  }
}

function parsed(args: string[], options: ParseArgsOptionsConfig) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    return { values: values as Record<string, string | boolean | undefined>, positionals }
  } catch (err) {
    throw new Usage(messageOf(err).split('\n')[0])
  }
}

function brokerUrl(given: string | boolean): string {
  const url = URL.parse(String(given))
  if (url === null || !/^(mqtts?|wss?):$/.test(url.protocol))
    throw new Usage(`--broker ${given}: a URL that begins with mqtt, mqtts, ws or wss is needed`)
  return url.href
}

/** A number above 0 from an argument; undefined when it is not given. */
export function positive(name: string, given: string | boolean | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given)
  if (!(value > 0) || !Number.isFinite(value))
    throw new Usage(`${name} has to be a number above 0, not '${given}'`)
  return value
}
