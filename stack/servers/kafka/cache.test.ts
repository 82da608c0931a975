import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newBase } from '../../fixtures/lab.ts'
import { isComplete } from './cache.ts'

describe('cache of Kafka', () => {
  test('is complete when every jar of the manifest is there in its size', () => {
    expect(isComplete(plantCache())).toBe(true)
  })

  test('is not complete when a jar is missing', () => {
    const libs = plantCache()
    rmSync(join(libs, 'kafka_2.13.jar'))

    expect(isComplete(libs)).toBe(false)
  })

  test('is not complete when a jar was cut off', () => {
    const libs = plantCache()
    writeFileSync(join(libs, 'kafka_2.13.jar'), '12')

    expect(isComplete(libs)).toBe(false)
  })

  test('is not complete without a manifest', () => {
    expect(isComplete(newBase())).toBe(false)
  })
})

function plantCache(): string {
  const libs = newBase()
  writeFileSync(join(libs, 'kafka_2.13.jar'), '12345')
  writeFileSync(join(libs, 'manifest.json'), '{"kafka_2.13.jar": 5}')
  return libs
}
