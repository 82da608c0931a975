import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'
import { BenchResults } from './bench.ts'
import type { Segment } from './measured-part.ts'

const nothing = { processes: [], folders: [] }
const throughput = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['throughput', '--part', 'sync-rest', '--out', 'results', ...args])

describe('npm run bench -- throughput', () => {
  test('measures each segment, balances the ledger, and leaves nothing', async () => {
    const bench = throughput('--orders', '200,300', '--connections', '8', '--json')

    expect(await bench.ended(), bench.stderr()).toBe(0)

    const printed = BenchResults.parse(JSON.parse(bench.stdout()))
    expect(printed.parts).toMatchObject([
      {
        part: 'sync-rest',
        valid: true,
        ledger: [],
        data: {
          segments: [
            { orders: 200, statuses: { 201: 200 }, unknown: 0 },
            { orders: 300, statuses: { 201: 300 }, unknown: 0 },
          ],
        },
      },
    ])
    const [segment] = printed.parts[0]!.data.segments as unknown as Segment[]
    expect(segment?.processes.map(({ process }) => process)).toEqual([
      'order-service',
      'inventory-service',
      'notification-service',
      'load generator',
    ])
    const [folder] = readdirSync(bench.out)
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'bench.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual(nothing)
  })

  test('prints INVALID and exits 1 when a service was killed under the load', async () => {
    const bench = throughput('--orders', '10000')
    await bench.says(/10000 orders: \d+ of/)
    const inventory = bench.left().processes.find((line) => line.includes('inventory-service'))

    process.kill(Number.parseInt(inventory!, 10), 'SIGKILL')

    expect(await bench.ended(110_000), bench.stderr()).toBe(1)
    expect(bench.stdout()).toMatch(/^INVALID {2}sync-rest/m)
    expect(bench.left()).toEqual(nothing)
  })

  test('leaves nothing after Ctrl-C in the middle', async () => {
    const bench = throughput('--orders', '100000')
    await bench.says(/100000 orders: \d+ of/)

    bench.signal('SIGINT')

    expect(await bench.ended(), bench.stderr()).toBe(130)
    expect(bench.left()).toEqual(nothing)
  })
})
