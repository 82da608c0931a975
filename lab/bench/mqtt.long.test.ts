import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { expect, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'
import { BenchResults } from './bench.ts'

const obstacle = await localObstacle('mosquitto')

test.skipIf(obstacle)(
  'npm run bench -- mqtt compares the kitchen with a bare loop, and leaves nothing',
  async () => {
    const args = ['mqtt', '--orders', '500', '--rounds', '1', '--out', 'results', '--json']
    const bench = startCommandLine('scripts/bench.ts', args)

    expect(await bench.ended(110_000), bench.stderr()).toBe(0)

    const printed = BenchResults.parse(JSON.parse(bench.stdout()))
    expect(printed).toMatchObject({
      servers: [{ kind: 'mosquitto' }],
      parts: [
        {
          valid: true,
          data: { round_orders: 500, comparison: { ours: 'kitchen', target: 0.5, rounds: [{}] } },
        },
      ],
    })
    const [folder] = readdirSync(bench.out)
    expect(JSON.parse(readFileSync(join(bench.out, folder!, 'bench.json'), 'utf8'))).toEqual(printed)
    expect(bench.left()).toEqual({ processes: [], folders: [] })
  },
)
