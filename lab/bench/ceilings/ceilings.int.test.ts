import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCommandLine } from '../../testing/command-line.ts'
import { CeilingsResults } from './results.ts'

const nothing = { processes: [], folders: [] }
const ceilings = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['ceilings', '--part', 'sync-rest', '--out', 'results', ...args])

describe('npm run bench -- ceilings', () => {
  test('compares part A with a bare chain, follows its cost, profiles it, and leaves nothing', async () => {
    const bench = ceilings('--orders', '400', '--rounds', '2', '--connections', '8', '--json')

    expect(await bench.ended(), bench.stderr()).toBe(0)

    const printed = CeilingsResults.parse(JSON.parse(bench.stdout()))
    const [part] = printed.parts
    expect(part).toMatchObject({ valid: true, ledger: [], flatness: { orders: 400, segment: 100 } })
    const [compared] = part!.comparisons
    expect(compared).toMatchObject({ ceiling: 'bare undici', target: 0.7 })
    expect(compared!.rounds).toHaveLength(2)
    expect(compared!.ratio.median).toBeGreaterThan(0)
    const profiled = part!.profiles.map(({ process, functions }) => [process, functions.length > 0])
    expect(profiled).toEqual([
      ['order-service', true],
      ['inventory-service', true],
      ['notification-service', true],
    ])
    const [folder] = readdirSync(bench.out)
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'ceilings.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual(nothing)
  })
})
