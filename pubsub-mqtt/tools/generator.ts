import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { mulberry32 } from '../mqtt/random.ts'
import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'
import { BROKER_HELP, type Io, positive, runCommand, Usage } from './command.ts'
import { randomOrder } from './random-order.ts'
import type { RestaurantOrders } from './restaurant-orders.ts'
import { LINE, orderLines, RULE } from './show.ts'

const usage = `Usage: npm run lab -- mqtt generate [COUNT] [SECONDS] [options]

Publishes COUNT random orders (5) to '${CUSTOMER_ORDERS}', SECONDS (3) apart.

  --rate N       N orders per second instead; shows progress instead of each order
  --seed N       the same customers and items as at every run with this seed; the order ids are new
${BROKER_HELP}`

/** Orders on their way at a time, so that a slow broker slows the generator and not its memory. */
const AT_ONCE = 100
const PROGRESS_MS = 1_000

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    ...{ args, io, usage, options: { rate: { type: 'string' }, seed: { type: 'string' } } },
    work: async ({ restaurant, values, positionals }) => {
      if (positionals.length > 2) throw new Usage(`'${positionals[2]}' is one argument too many`)
      const count = positive('COUNT', positionals[0]) ?? 5
      const seconds = positionals[1] === '0' ? 0 : (positive('SECONDS', positionals[1]) ?? 3)
      const rate = positive('--rate', values.rate)
      if (!Number.isInteger(count)) throw new Usage(`COUNT has to be a whole number, not '${count}'`)
      const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
      if (!Number.isInteger(seed)) throw new Usage(`--seed has to be a whole number, not '${values.seed}'`)

      io.print('🍽️  Random Restaurant Order Generator')
      io.print(RULE)
      const pace = rate === undefined ? `with ${seconds}s intervals` : `at ${rate} a second`
      io.print(`📊 Generating ${count} random orders ${pace} (seed ${seed})`)
      io.print(`📡 Publishing to '${CUSTOMER_ORDERS}' topic`)
      const plan = { restaurant, io, count, random: mulberry32(seed) }
      let published = 0
      const onPublished = () => published++
      try {
        if (rate === undefined) await oneByOne({ ...plan, onPublished }, seconds)
        else await atRate({ ...plan, onPublished }, rate)
      } finally {
        io.print('')
        io.print(`🎯 ${published} of ${count} orders published`)
      }
      return 0
    },
  })

interface Plan {
  restaurant: RestaurantOrders
  io: Io
  count: number
  random: () => number
  onPublished: () => void
}

async function oneByOne({ restaurant, io, count, random, onPublished }: Plan, seconds: number) {
  for (let number = 1; number <= count; number++) {
    io.signal.throwIfAborted()
    const order = await restaurant.publishOrder(randomOrder(random))
    onPublished()
    io.print('')
    io.print(`🔄 Order ${number}/${count}`)
    io.print(LINE)
    io.print('📋 Generated random order:')
    for (const line of orderLines(order)) io.print(line)
    io.print('✅ Order published successfully!')
    if (number === count || seconds === 0) continue
    io.print(`⏱️  Waiting ${seconds} seconds...`)
    await sleep(seconds * 1_000, undefined, { signal: io.signal })
  }
}

/** By the clock: a late order does not delay the ones after it. */
async function atRate({ restaurant, io, count, random, onPublished }: Plan, rate: number) {
  const startedAt = performance.now()
  const underWay = new Set<Promise<void>>()
  let failure: unknown
  let sent = 0
  const progress = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1_000
    io.say(`📈 ${sent}/${count} orders, ${Math.round(sent / seconds)} a second`)
  }, PROGRESS_MS)
  try {
    for (let number = 0; number < count && failure === undefined; number++) {
      const waitMs = startedAt + (number / rate) * 1_000 - performance.now()
      if (waitMs > 1) await sleep(waitMs, undefined, { signal: io.signal })
      io.signal.throwIfAborted()
      while (underWay.size >= AT_ONCE) await Promise.race(underWay)
      const one: Promise<void> = restaurant.publishOrder(randomOrder(random)).then(
        () => {
          sent++
          onPublished()
        },
        (err) => {
          failure ??= err
        },
      )
      underWay.add(one)
      void one.then(() => underWay.delete(one))
    }
    await Promise.all(underWay)
    if (failure !== undefined) throw failure
  } finally {
    clearInterval(progress)
  }
}
