import { randomUUID } from 'node:crypto'
import { serve } from '../bare-http/service.ts'
import { openBroker, publish } from './broker.ts'

const { channel, close } = await openBroker()
let reserved = 0

await channel.consume('bare_inventory', (message) => {
  if (!message) return
  const event = JSON.parse(message.content.toString())
  const decided = { ...event, id: randomUUID(), source: 'inventory-service', type: 'InventoryReserved' }
  // Published before it is acknowledged, like the part; a refused publish ends the process, and the round is invalid.
  void publish(channel, 'inventory.reserved', Buffer.from(JSON.stringify(decided))).then(() => {
    reserved++
    channel.ack(message)
  })
})

await serve(
  () => {},
  () => ({ reserved }),
  close,
)
