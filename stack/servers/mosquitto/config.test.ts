import { expect, test } from 'vitest'
import { adaptConfig, readListeners } from './config.ts'

const config = `# production
allow_anonymous false
password_file /mosquitto/config/passwd
persistence_location /mosquitto/data/
log_dest file /mosquitto/log/mosquitto.log
user mosquitto

listener 8883
certfile /mosquitto/certs/server.crt
listener 8084 0.0.0.0
protocol websockets
`

test('reads what each listener is', () => {
  expect(readListeners(config)).toEqual([
    { port: 8883, websockets: false, tls: true },
    { port: 8084, websockets: true, tls: false },
  ])
})

test('changes ports and paths of a configuration and nothing else', () => {
  const adapted = adaptConfig(config, {
    listener: ({ websockets }, at) => `listener ${20_000 + at} ${websockets ? 'lo' : '127.0.0.1'}`,
    folder: '/run/data/',
    file: (directive) => `/run/${directive}`,
  })

  expect(adapted.split('\n')).toEqual([
    'persistence_location /run/data/',
    'log_dest stderr',
    'allow_anonymous false',
    'password_file /run/password_file',
    'listener 20000 127.0.0.1',
    'certfile /run/certfile',
    'listener 20001 lo',
    'protocol websockets',
    '',
  ])
})
