import { describe, expect, onTestFinished, test } from 'vitest'
import { newBase } from './fixtures/lab.ts'
import { killRunner, startRunner } from './fixtures/runners.ts'
import { checkKafka, wipeKafka } from './kafka-admin.ts'
import { freshVhost } from './rabbit-vhost.ts'
import { openRunDir } from './run-dir.ts'
import { callEngine, projectPrefix, RUN_LABEL } from './servers/docker-engine.ts'
import { kindOf, serverNames, startKafka, startRabbit, startServer } from './servers/index.ts'
import type { ServerContext } from './servers/server.ts'

const asked = process.env.LAB_BROKERS === 'docker'

describe.skipIf(!asked)('servers in Docker (runs with LAB_BROKERS=docker)', () => {
  test('serve RabbitMQ through SIGKILL and leave no container after close', async () => {
    const ctx = await openDockerRun()
    const broker = await startRabbit(ctx)

    await broker.control!.kill()
    await broker.control!.start()
    await (await freshVhost(broker)).close()
    await broker.close()

    expect(broker.origin).toBe('docker')
    expect(await containersOf(ctx.run.id)).toEqual([])
  })

  test('serve Kafka through SIGKILL and leave no container after close', async () => {
    const ctx = await openDockerRun()
    const broker = await startKafka(ctx)

    await broker.control!.kill()
    await broker.control!.start()
    await wipeKafka(broker)
    expect(await checkKafka(broker.brokers)).toBe(1)
    await broker.close()

    expect(broker.origin).toBe('docker')
    expect(await containersOf(ctx.run.id)).toEqual([])
  })

  const others = serverNames.filter((name) => name !== 'rabbitmq' && name !== 'kafka')
  test.each(others)('serve %s through SIGKILL and leave no container after close', async (name) => {
    const ctx = await openDockerRun()
    const server = await startServer(name, ctx)

    await server.control!.kill()
    await server.control!.start()
    await (await kindOf(server).place(server, { part: 'test' })).close()
    await server.close()

    expect(server.origin).toBe('docker')
    expect(await containersOf(ctx.run.id)).toEqual([])
  })

  test.each([10, 3_000])('leave no container of a start that is aborted after %i ms', async (ms) => {
    const stop = new AbortController()
    const ctx = await openDockerRun()
    const starting = startRabbit({ ...ctx, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('Ctrl-C')), ms)

    await expect(starting).rejects.toThrow('Ctrl-C')
    await ctx.run.close()

    expect(await containersOf(ctx.run.id)).toEqual([])
  })

  test('are removed by the next run when the runner was killed', async () => {
    const base = newBase()
    const killed = await startRunner(base, 'rabbitmq', { brokers: 'docker' })
    await killRunner(killed.process)

    const next = await openRunDir({ base, env: process.env })
    onTestFinished(() => next.close())

    expect(next.swept.swept).toMatchObject([{ containers: 1 }])
    expect(await containersOf(next.swept.swept[0]!.id)).toEqual([])
  })

  test('take the volumes and networks of their Compose projects along, and no others', async () => {
    const { run } = await openDockerRun()
    await run.usesDocker()
    const [own, other] = [`${projectPrefix(run.id)}8000`, 'somebodys']
    for (const project of [own, other]) await makeProject(project)
    onTestFinished(() => removeProject(other))

    await run.close()

    expect(await statusesOf(own)).toEqual([404, 404])
    expect(await statusesOf(other)).toEqual([200, 200])
  })
})

/** What Compose would have made for a project beside its containers. */
async function makeProject(project: string): Promise<void> {
  const Labels = { 'com.docker.compose.project': project }
  for (const what of ['volumes', 'networks'])
    await callEngine('POST', `/${what}/create`, { env: process.env, body: { Name: `${project}_x`, Labels } })
}

async function removeProject(project: string): Promise<void> {
  for (const what of ['volumes', 'networks'])
    await callEngine('DELETE', `/${what}/${project}_x`, { env: process.env })
}

async function statusesOf(project: string): Promise<number[]> {
  const ask = (what: string) => callEngine('GET', `/${what}/${project}_x`, { env: process.env })
  return (await Promise.all(['volumes', 'networks'].map(ask))).map(({ status }) => status)
}

async function openDockerRun(): Promise<ServerContext> {
  const run = await openRunDir({ base: newBase(), env: process.env })
  onTestFinished(() => run.close())
  return { run, env: process.env, progress: () => {} }
}

async function containersOf(runId: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${RUN_LABEL}=${runId}`] }))
  const { body } = await callEngine('GET', `/containers/json?all=1&filters=${filters}`, { env: process.env })
  return (JSON.parse(body) as { Id: string }[]).map(({ Id }) => Id)
}
