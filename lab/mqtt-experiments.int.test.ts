import { expect, test } from 'vitest'
import { mqttOffline } from './experiments/mqtt-offline.ts'
import { allowed } from './experiments/mqtt-qos.ts'
import { experimentsOn } from './testing/experiments-on.ts'

await experimentsOn(['mosquitto'], 'the MQTT experiments', [mqttOffline])

test('mqtt-qos forbids what the protocol forbids', () => {
  const persistent = { isPersistent: true, fault: 'subscriber cut' } as const
  expect(allowed({ ...persistent, qos: 0 })).toEqual({ lost: true, doubled: false })
  expect(allowed({ ...persistent, qos: 1 })).toEqual({ lost: false, doubled: true })
  expect(allowed({ ...persistent, qos: 2 })).toEqual({ lost: false, doubled: false })
  const killed = { isPersistent: true, fault: 'subscriber killed' } as const
  expect(allowed({ ...killed, qos: 1 })).toEqual({ lost: false, doubled: true })
  expect(allowed({ ...killed, qos: 2 })).toEqual({ lost: true, doubled: true })
})
