import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockDataDir } from './lock-data-dir.ts'

test('one order service at a time owns a data folder', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lab-lock-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const lock = lockDataDir('order-service', dataDir)

  expect(() => lockDataDir('order-service', dataDir)).toThrow('another order-service uses it')

  lock.release()
  lockDataDir('order-service', dataDir).release()
})
