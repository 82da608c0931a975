import { connect } from 'mqtt'
import { env } from './config.ts'
import { serve } from './service.ts'

/** What a kitchen over MQTT can at best be: it answers each order with its food, QoS 1 both ways, and remembers nothing. */
const client = connect(env.MQTT_URL, { protocolVersion: 5, clientId: 'bare-kitchen' })
client.on('message', (topic, body) => {
  const { orderId, table, food } = JSON.parse(body.toString())
  const ready = { orderId, table, food, status: 'ready', prepMs: 0 }
  client.publish(topic.replace('orders', 'foods'), JSON.stringify(ready), { qos: 1 })
})
await client.subscribeAsync('restaurant/orders/+', { qos: 1 })
await serve({ close: () => client.end(true) })
