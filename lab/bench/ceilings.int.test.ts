import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'
import { BenchResults } from './bench.ts'

const nothing = { processes: [], folders: [] }
const ceilings = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['ceilings', '--part', 'sync-rest', '--out', 'results', ...args])

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
        flatness: { orders: 400, segment: 100 },
        comparisons: [
          { ceiling: 'bare undici', target: 0.7, rounds: [{}, {}], ratio: { median: expect.any(Number) } },
        ],
        profiles: [
          { process: 'order-service' },
          { process: 'inventory-service' },
          { process: 'notification-service' },
        ],
      },
    })
    expect(part!.tables.filter(({ title }) => title.includes('where its time goes'))).toHaveLength(3)
    const [folder] = readdirSync(bench.out)
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'bench.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual(nothing)
  })
})
