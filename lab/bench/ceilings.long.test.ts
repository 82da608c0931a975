import { describe, expect, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'

const nothing = { processes: [], folders: [] }
const ceilings = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['ceilings', '--part', 'sync-rest', '--out', 'results', ...args])

// What ends a benchmark early is the same for all of them: bench.int.test.ts shows it of another one.
describe('npm run bench -- ceilings', () => {
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
