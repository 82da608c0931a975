import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, test } from 'vitest'
import { ResultsError } from '../run/folder.ts'
import { experimentRecord, runOf } from '../testing/report-builders.ts'
import { writeReport } from './page.ts'

const results = runOf([experimentRecord()])

describe('report.html', () => {
  test('is written beside the results, and again over an older one', async () => {
    const folder = newBase()
    writeFileSync(join(folder, 'report.html'), 'an older one')

    const file = await writeReport(folder, results)

    expect(file).toBe(join(folder, 'report.html'))
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s)
    expect(readdirSync(folder)).toEqual(['report.html'])
  })

  // Every write to this device fails as one to a full disk does; Linux has it.
  test.runIf(existsSync('/dev/full'))(
    'keeps the older one, and leaves no half of a new one, on a full disk',
    async () => {
      const folder = newBase()
      writeFileSync(join(folder, 'report.html'), 'an older one')
      symlinkSync('/dev/full', join(folder, 'report.html.next'))

      await expect(writeReport(folder, results)).rejects.toThrow(ResultsError)
      symlinkSync('/dev/full', join(folder, 'report.html.next'))
      await expect(writeReport(folder, results)).rejects.toThrow(
        /report\.html cannot be written: no space left on device/,
      )

      expect(readdirSync(folder)).toEqual(['report.html'])
      expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe('an older one')
    },
  )

  test('says in words why it cannot be written', async () => {
    const folder = newBase()
    mkdirSync(join(folder, 'report.html.next'))

    await expect(writeReport(folder, results)).rejects.toThrow(
      /cannot be written: illegal operation on a directory/,
    )
    await expect(writeReport(join(folder, 'none'), results)).rejects.toThrow(
      /cannot be written: no such file or directory/,
    )
  })
})
