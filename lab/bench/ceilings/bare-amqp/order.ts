import { randomUUID } from 'node:crypto'
import { serve } from '../bare-http/service.ts'
import { openBroker, publish } from './broker.ts'

const { channel, close } = await openBroker()
let accepted = 0
let decided = 0

await channel.consume('bare_status', (message) => {
  if (!message) return
  JSON.parse(message.content.toString())
  decided++
  channel.ack(message)
})

await serve(
  (app) => {
    app.post('/order', async (request, reply) => {
      const { item, quantity } = request.body as { item: string; quantity: number }
      const order_id = randomUUID()
      const order = { order_id, item, quantity, status: 'placed', timestamp: Date.now() / 1_000 }
      await publish(channel, 'order.placed', eventOf(order_id, order))
      accepted++
      return reply.code(202).send(order)
    })
  },
  () => ({ accepted, decided }),
  close,
)

/** An envelope of the size of the part's. */
function eventOf(subject: string, data: object): Buffer {
  const envelope = {
    specversion: '1.0',
    id: randomUUID(),
    source: 'order-service',
    type: 'OrderPlaced',
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    traceparent: '00-00000000000000000000000000000001-0000000000000001-01',
    data,
  }
  return Buffer.from(JSON.stringify(envelope))
}
