import { describe, expect, test } from 'vitest'
import { parseProcess, readProcess } from './process-figures.ts'

describe('the figures of a process', () => {
  test('are read from the right fields, whatever the command is called', () => {
    const stat = '42 (a ) R (b) S 1 42 42 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 11 0 9999 1000 200'
    const status = 'Name:\ta\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t11\n'

    expect(parseProcess(stat, status)).toEqual({
      cpuUs: 1_750_000,
      rssBytes: 104_857_600,
      peakRssBytes: 209_715_200,
    })
  })

  test.runIf(process.platform === 'linux')('of this process agree with what Node says', () => {
    const busyUntil = performance.now() + 50
    while (performance.now() < busyUntil);
    const { user, system } = process.cpuUsage()

    const figures = readProcess(process.pid)

    expect(figures?.cpuUs).toBeGreaterThan((user + system) * 0.5)
    expect(figures?.cpuUs).toBeLessThan((user + system) * 1.5 + 100_000)
    expect(figures?.peakRssBytes).toBeGreaterThanOrEqual(figures!.rssBytes)
  })

  test('are absent for a process that is gone', () => {
    expect(readProcess(undefined)).toBeUndefined()
    expect(readProcess(2 ** 30)).toBeUndefined()
  })
})
