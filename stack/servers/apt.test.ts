import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newBase } from '../fixtures/lab.ts'
import { policyAgainst } from './apt.ts'

test('the policy of an installation denies its own service, while the runner lives', () => {
  const answer = (service: string, pid: number) => {
    const file = join(newBase(), 'policy-rc.d')
    writeFileSync(file, policyAgainst('mosquitto', pid))
    return spawnSync('sh', [file, service, 'start']).status
  }
  const { pid: ended } = spawnSync('true')

  expect(answer('mosquitto', process.pid)).toBe(101)
  expect(answer('ssh', process.pid)).toBe(0)
  expect(answer('mosquitto', ended)).toBe(0)
})
