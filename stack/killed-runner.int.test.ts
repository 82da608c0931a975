import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { localObstacle, newBase } from './fixtures/lab.ts'
import { killRunner, spawnRunner, startRunner } from './fixtures/runners.ts'
import { freePorts, isPortFree } from './ports.ts'
import { findMarked } from './process-identity.ts'
import { openRunDir } from './run-dir.ts'

const noRabbit = await localObstacle('rabbitmq')
const noKafka = await localObstacle('kafka')

describe.skipIf(process.platform !== 'linux')('run of a runner that was killed with SIGKILL', () => {
  test('is swept by the next run, and a live run beside it is left alone', async () => {
    const base = newBase()
    const [port, livePort] = await freePorts(2)
    const killed = await startRunner(base, 'service', { port })
    const live = await startRunner(base, 'service', { port: livePort })
    await killRunner(killed.process)
    expect(await isPortFree(port!)).toBe(false)

    const next = await openRunDir({ base })
    onTestFinished(() => next.close())

    expect(next.swept.swept).toMatchObject([
      { id: basename(killed.path), ended: [expect.stringMatching(/^fixture /)] },
    ])
    expect(await isPortFree(port!)).toBe(true)
    expect(existsSync(killed.path)).toBe(false)
    expect(next.swept.live).toEqual([basename(live.path)])
    expect(await isPortFree(livePort!)).toBe(false)
  })

  test.skipIf(noRabbit)(`takes RabbitMQ and its port mapper along ${noRabbit ?? ''}`, async () => {
    await expectSwept('rabbitmq')
  })

  test.skipIf(noKafka)(`takes Kafka along ${noKafka ?? ''}`, async () => {
    await expectSwept('kafka')
  })

  test.each(['mosquitto', 'redis'] as const)('takes %s along', async (name) => {
    const obstacle = await localObstacle(name)
    if (!obstacle) await expectSwept(name)
  })

  test.skipIf(noRabbit)('is swept also when it was killed in the middle of a start', async () => {
    const base = newBase()
    const runner = spawnRunner(base, 'rabbitmq')
    await expect.poll(() => runsIn(base).flatMap(findMarked).length, { timeout: 20_000 }).toBeGreaterThan(1)
    await killRunner(runner)
    const [path] = runsIn(base)

    const next = await openRunDir({ base })
    onTestFinished(() => next.close())

    expect(findMarked(path!)).toEqual([])
    expect(existsSync(path!)).toBe(false)
  })
})

describe.skipIf(process.platform !== 'linux')('run of a runner that ended without closing', () => {
  test('leaves neither process nor folder', async () => {
    const { process: runner, path } = await startRunner(newBase(), 'crash')
    if (runner.exitCode === null) await once(runner, 'exit')

    await expect.poll(() => findMarked(path)).toEqual([])
    expect(existsSync(path)).toBe(false)
  })
})

async function expectSwept(what: string): Promise<void> {
  const base = newBase()
  const killed = await startRunner(base, what)
  await killRunner(killed.process)
  expect(findMarked(killed.path).length).toBeGreaterThan(0)

  const next = await openRunDir({ base })
  onTestFinished(() => next.close())

  expect(findMarked(killed.path)).toEqual([])
  expect(existsSync(killed.path)).toBe(false)
}

function runsIn(base: string): string[] {
  return existsSync(base) ? readdirSync(base).map((name) => join(base, name)) : []
}
