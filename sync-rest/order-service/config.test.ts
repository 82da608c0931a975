import { describe, expect, test } from 'vitest'
import { loadConfig } from './config.ts'

describe('the configuration of the order service', () => {
  test('has the ports and the time-out of the seed', () => {
    expect(loadConfig({})).toMatchObject({
      PORT: 8000,
      INVENTORY_URL: 'http://127.0.0.1:8001',
      NOTIFICATION_URL: 'http://127.0.0.1:8002',
      UPSTREAM_TIMEOUT_MS: 5_000,
    })
  })

  test('names every variable that is wrong', () => {
    const env = { PORT: '70000', INVENTORY_URL: 'inventory:8001', NOTIFICATION_URL: 'http://n/api' }

    expect(() => loadConfig({ ...env, UPSTREAM_TIMEOUT_MS: '0' })).toThrow(
      /PORT='70000'.*\nINVENTORY_URL='inventory:8001'.*\nNOTIFICATION_URL='http:\/\/n\/api'.*no path\nUPSTREAM_TIMEOUT_MS='0'/,
    )
  })
})
