import type { Order } from '@lab/common/domain/order.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { openRabbitProbe } from '../probes/rabbit.ts'
import type { TrioName } from '../trio.ts'
import type { Watched } from './part-watch.ts'
import { ORDER_EVENTS } from './topic-count.ts'

/** Makes inventory hear of an order again, as it would after a lost acknowledgement. */
export interface Repeater extends AsyncDisposable {
  /** How, in the words of the transport. */
  how: string
  /** Hands over what announced the order `copies` times more; resolves when the transport has taken all of them. */
  repeat: (order: Order, copies: number) => Promise<void>
}

/** To be opened before the order is placed: a message that has been consumed is nowhere to be read in part B. */
export const openRepeater = (watched: Watched): Promise<Repeater> => open[watched.part.part](watched)

const open: Record<TrioName, (watched: Watched) => Promise<Repeater>> = {
  'sync-rest': async ({ client }) => ({
    how: 'POST /reserve and POST /send again',
    repeat: async ({ order_id, item, quantity }, copies) => {
      for (let copy = 0; copy < copies; copy++) {
        await client.command('inventory', '/reserve', { order_id, item, quantity })
        await client.command('third', '/send', { order_id, status: 'reserved', item })
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }),

  'async-rabbitmq': async ({ part, signal }) => {
    const probe = await openRabbitProbe(part.rabbit!)
    const placed = await probe.tap('order.placed')
    return {
      how: 'the message published again',
      repeat: async ({ order_id }, copies) => {
        const isIts = ({ properties }: (typeof placed.messages)[number]) =>
          properties.correlationId === order_id
        const message = await placed.find(`the message of order ${order_id}`, isIts, { signal })
        for (let copy = 0; copy < copies; copy++) {
          await probe.publish(message.routingKey, message.body, message.properties)
        }
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },

  'streaming-kafka': async ({ part, signal }) => {
    const probe = await openKafkaProbe(part.kafka!)
    return {
      how: 'the record produced again',
      repeat: async ({ order_id }, copies) => {
        const records = await probe.readAll(ORDER_EVENTS, { signal })
        const record = records.find(({ key }) => key === order_id)
        if (!record) throw new Error(`${ORDER_EVENTS} has no record of order ${order_id}`)
        await probe.produce(ORDER_EVENTS, Array(copies).fill(record))
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },
}
