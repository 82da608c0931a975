import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newBase } from '../fixtures/lab.ts'
import { freePorts } from '../ports.ts'
import { openRunDir } from '../run-dir.ts'
import { createService } from '../service.ts'
import type { RunningPart } from '../spec.ts'
import { ControlRefused, controlAt } from './client.ts'
import { findControls } from './find.ts'
import { openControl } from './server.ts'
import { createUnits } from './units.ts'

const NAME = 'some-part/fixture'

describe('the control socket', () => {
  test('kills a service, and starts it again with its environment and port', async () => {
    const { control, service, deaths } = await setup()
    const before = await envOf(service.url)

    const killed = await control.act('kill', NAME)
    expect(killed).toMatchObject({ changed: true, unit: { state: 'killed' } })
    await expect(envOf(service.url)).rejects.toThrow()

    const started = await control.act('start', NAME)
    expect(started).toMatchObject({ changed: true, unit: { state: 'running', pid: service.pid } })
    expect(await envOf(service.url)).toEqual(before)
    expect(deaths).toEqual([])
  })

  test('pauses and resumes; to start what is paused is to resume it', async () => {
    const { control, service } = await setup()

    expect(await control.act('pause', NAME)).toMatchObject({ changed: true, unit: { state: 'paused' } })
    expect(await control.act('pause', NAME)).toMatchObject({ changed: false })
    expect(await control.act('start', NAME)).toMatchObject({ changed: true, unit: { state: 'running' } })

    expect((await envOf(service.url)).PORT).toBe(String(service.port))
  })

  test('tells a death that it was not asked for from one that it was, also after a restart', async () => {
    const { control, service, deaths } = await setup()
    await control.act('kill', NAME)
    await control.act('start', NAME)

    process.kill(service.pid!, 'SIGKILL')

    await expect.poll(() => deaths).toEqual([`${NAME} SIGKILL`])
    expect(await control.list()).toMatchObject([{ name: NAME, state: 'ended' }, { controlled: false }])
  })

  test.each([
    ['kill', 'some-part/fixtur', 'there is no some-part/fixtur here', false],
    ['pause', NAME, 'does not run', true],
    ['stop', 'some-part/mail', 'not of this run', true],
  ] as const)('refuses to %s %s where it cannot', async (action, name, says, known) => {
    const { control } = await setup()
    await control.act('stop', NAME)

    const refused = await control.act(action, name).catch((err: unknown) => err)

    expect(refused).toBeInstanceOf(ControlRefused)
    expect(refused).toMatchObject({ known, message: expect.stringContaining(says) })
  })

  test('is for its user alone, is found while its runner lives, and is gone when it is closed', async () => {
    const { base, path, run, opened } = await setup()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(run.path).mode & 0o077).toBe(0)
    expect(findControls(base)).toMatchObject([{ run: run.id, pid: process.pid, path }])

    await opened.close()
    expect(findControls(base)).toEqual([])
  })
})

async function setup() {
  const base = newBase()
  const run = await openRunDir({ base })
  onTestFinished(() => run.close())
  const [port] = await freePorts(1)
  const service = createService({
    run,
    name: 'fixture',
    entry: join(import.meta.dirname, '../fixtures/service.ts'),
    port: port!,
    env: { STOCK: 'burger=1' },
    logFile: join(run.path, 'logs', 'fixture.log'),
  })
  await service.start()
  const deaths: string[] = []
  const units = createUnits((part, { name }, { signal }) => void deaths.push(`${part}/${name} ${signal}`))
  const ofSomebodyElse = { kind: 'mail', origin: 'external', version: 'unknown', host: 'a', port: 25 }
  units.add({
    spec: { name: 'some-part' },
    services: { fixture: service },
    servers: { mail: ofSomebodyElse },
  } as unknown as RunningPart)
  const opened = await openControl(run, units, () => {})
  onTestFinished(() => opened.close())
  return { base, run, service, deaths, opened, path: opened.path, control: controlAt(opened.path) }
}

async function envOf(url: string): Promise<Record<string, string>> {
  const response = await fetch(`${url}/env`, { signal: AbortSignal.timeout(5_000) })
  return (await response.json()) as Record<string, string>
}
