import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'
import { BenchResults } from './bench.ts'

const nothing = { processes: [], folders: [] }
const ceilings = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['ceilings', '--part', 'sync-rest', '--out', 'results', ...args])

// What ends a benchmark early is the same for all of them: bench.int.test.ts shows it of another one.
describe('npm run bench -- ceilings', () => {
  test('compares part A with a bare chain, follows its cost, profiles it, and leaves nothing', async () => {
    const bench = ceilings('--orders', '400', '--rounds', '2', '--connections', '8', '--json')

    expect(await bench.ended(), bench.stderr()).toBe(0)

    const printed = BenchResults.parse(JSON.parse(bench.stdout()))
    const [part] = printed.parts
    expect(part).toMatchObject({
      valid: true,
      ledger: [],
      data: {
        flatness: { orders: 400, first: { orders: 100 }, last: { orders: 100 } },
        comparisons: [
          { ceiling: 'bare undici', target: 0.7, rounds: [{}, {}], ratio: { median: expect.any(Number) } },
        ],
        profiles: 'logs/profiles/sync-rest',
      },
    })
    const [folder] = readdirSync(bench.out)
    expect(readdirSync(join(bench.out, folder!, 'logs/profiles/sync-rest')).sort()).toEqual([
      'inventory-service.cpuprofile',
      'notification-service.cpuprofile',
      'order-service.cpuprofile',
    ])
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'bench.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual(nothing)
  })

  test('prints INVALID and exits 1 when a service was killed in a round', async () => {
    const bench = ceilings('--orders', '10000')
    await bench.says(/sync-rest: \d+ of 10000 answered/)
    const inventory = bench.left().processes.find((line) => line.includes('inventory-service'))

    process.kill(Number.parseInt(inventory!, 10), 'SIGKILL')

    expect(await bench.ended(110_000), bench.stderr()).toBe(1)
    expect(bench.stdout()).toMatch(/^INVALID {2}sync-rest/m)
    expect(bench.left()).toEqual(nothing)
  })

  test('leaves nothing after Ctrl-C in the middle', async () => {
    const bench = ceilings('--orders', '10000')
    await bench.says(/sync-rest: \d+ of 10000 answered/)

    bench.signal('SIGINT')

    expect(await bench.ended(), bench.stderr()).toBe(130)
    expect(bench.left()).toEqual(nothing)
  })
})
