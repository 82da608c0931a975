import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@lab/kit/store.ts'
import { expect, onTestFinished, test } from 'vitest'
import { storeIdentity } from './store-identity.ts'

test('a store is the same for all who open its file, and a copy of it is another one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-identity-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [original, copy] = [join(folder, 'original'), join(folder, 'copy')]
  openStore('inventory-service', original, '').close()
  cpSync(original, copy, { recursive: true })
  const identity = (dataDir?: string) => storeIdentity('inventory-service', dataDir)

  expect(identity(original)).toBe(identity(original))
  expect(identity(copy)).not.toBe(identity(original))
  expect(identity()).not.toBe(identity())
})
