import { mqttFanout } from './experiments/mqtt-fanout.ts'
import { mqttQos } from './experiments/mqtt-qos.ts'
import { experimentsOn } from './testing/experiments-on.ts'

await experimentsOn(['mosquitto'], 'the MQTT experiments', [mqttQos, mqttFanout])
