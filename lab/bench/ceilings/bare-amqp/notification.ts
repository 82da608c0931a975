import { serve } from '../bare-http/service.ts'
import { openBroker } from './broker.ts'

const { channel, close } = await openBroker()
let sent = 0

await channel.consume('bare_notification', (message) => {
  if (!message) return
  JSON.parse(message.content.toString())
  sent++
  channel.ack(message)
})

await serve(
  () => {},
  () => ({ sent }),
  close,
)
