import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BenchResults } from '../bench/bench.ts'
import { startCommandLine } from '../testing/command-line.ts'
import type { TargetResult } from './results.ts'

const nothing = { processes: [], folders: [] }
const fuzz = (...args: string[]) =>
  startCommandLine('scripts/bench.ts', ['fuzz', '--part', 'sync-rest', '--out', 'results', ...args])

describe('npm run bench -- fuzz', () => {
  test('goes through the same cases for the same seed, keeps the results, and leaves nothing', async () => {
    const options = ['--cases', '40', '--seed', '7', '--target', 'POST /order', '--json']
    const bench = fuzz(...options)

    expect(await bench.ended(), bench.stderr()).toBe(0)

    const printed = BenchResults.parse(JSON.parse(bench.stdout()))
    expect(printed.parts).toMatchObject([{ part: 'sync-rest', data: { seed: 7, cases: 40 } }])
    const targetOf = ({ parts }: BenchResults) => (parts[0]!.data.targets as unknown as TargetResult[])[0]
    const target = targetOf(printed)
    expect(target).toMatchObject({ target: 'order-service POST /order', cases: 40, findings: [] })
    const [folder] = readdirSync(bench.out)
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'bench.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual(nothing)

    const again = fuzz(...options)
    expect(await again.ended(), again.stderr()).toBe(0)
    const repeated = BenchResults.parse(JSON.parse(again.stdout()))
    expect(targetOf(repeated)?.kinds).toEqual(target?.kinds)
  })

  test('names the route, the case and what repeats it, and exits 1, when a service ends', async () => {
    const bench = fuzz('--cases', '200000', '--seed', '7', '--target', 'notification-service GET /health')
    await bench.says(/\d+ of 200000/)
    const notification = bench.left().processes.find((line) => line.includes('notification-service'))

    process.kill(Number.parseInt(notification!, 10), 'SIGKILL')

    expect(await bench.ended(110_000), bench.stderr()).toBe(1)
    expect(bench.stdout()).toMatch(/^FINDING {2}notification-service GET \/health: the service ended/m)
    expect(bench.stdout()).toContain(
      "repeat: npm run bench -- fuzz --part sync-rest --seed 7 --target 'notification-service GET /health'",
    )
    expect(bench.left()).toEqual(nothing)
  })

  test('leaves nothing after Ctrl-C in the middle', async () => {
    const bench = fuzz('--cases', '200000', '--target', 'notification-service GET /health')
    await bench.says(/\d+ of 200000/)

    bench.signal('SIGINT')

    expect(await bench.ended(), bench.stderr()).toBe(130)
    expect(bench.left()).toEqual(nothing)
  })
})
