import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openTestRun, processesOf } from './fixtures/lab.ts'
import { freePorts } from './ports.ts'
import type { RunDir } from './run-dir.ts'
import { createService, type ServiceOptions, type ServiceProcess } from './service.ts'

describe('service process on start', () => {
  test('resolves when the service is ready, not before', async () => {
    const { service } = await newService({ env: { READY_AFTER_MS: '600' } })

    const startedAt = performance.now()
    await service.start()

    expect(performance.now() - startedAt).toBeGreaterThan(550)
    expect((await get(`${service.url}/ready`)).status).toBe(200)
  })

  test('gives it the contract, what it was configured with, and nothing of the runner', async () => {
    const { service } = await newService({ env: { STOCK: 'burger=1' } })

    await service.start({ env: { LOG_LEVEL: 'debug' } })

    const env = JSON.parse((await get(`${service.url}/env`)).body)
    expect(env).toMatchObject({ PORT: String(service.port), STOCK: 'burger=1', LOG_LEVEL: 'debug' })
    expect(env).not.toHaveProperty('HOME')
  })

  test('shows the last log lines when the process ends at once', async () => {
    const { service } = await newService({ env: { DIE_AT_START: 'PORT must be a number' } })

    await expect(service.start()).rejects.toThrow(
      /fixture ended while it started[\s\S]*PORT must be a number/,
    )
  })

  test('ends a service that does not become ready in time', async () => {
    const { service, run } = await newService({ env: { READY_AFTER_MS: '60000' }, readyMs: 500 })

    await expect(service.start()).rejects.toThrow('waited 0.5 s for fixture to be ready')

    expect(service.pid).toBeUndefined()
    expect(processesOf(run)).toEqual([])
  })

  test('names a port that is in use', async () => {
    const { service } = await newService()
    const squatter = createServer((_, response) => response.end()).listen(service.port, '127.0.0.1')
    onTestFinished(() => void squatter.close())

    await expect(service.start()).rejects.toThrow(`port ${service.port}, needed by fixture, is in use`)
  })

  test('is aborted by its signal and leaves no process', async () => {
    const stop = new AbortController()
    const { service, run } = await newService({ env: { READY_AFTER_MS: '60000' }, signal: stop.signal })
    const starting = service.start()
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 300)

    await expect(starting).rejects.toThrow('Ctrl-C')

    expect(processesOf(run)).toEqual([])
  })
})

describe('service process on stop, kill and pause', () => {
  test('stops with SIGTERM and starts again on the same port', async () => {
    const { service } = await newService()
    await service.start()
    const first = service.pid

    expect(await service.stop()).toMatchObject({ code: 0, signal: null })
    expect(service.pid).toBeUndefined()
    await service.start()

    expect(service.pid).not.toBe(first)
    expect(readFileSync(service.logFile, 'utf8').match(/fixture listens/g)).toHaveLength(2)
  })

  test('ends a service that ignores SIGTERM after its deadline', async () => {
    const { service } = await newService({ env: { IGNORE_SIGTERM: '1' }, shutdownMs: 100 })
    await service.start()

    const { signal, ms } = await service.stop()

    expect(signal).toBe('SIGKILL')
    expect(ms).toBeGreaterThan(2_000)
  })

  test('kills with SIGKILL and tells how it ended', async () => {
    const { service } = await newService()
    await service.start()
    const exited = service.exited

    await service.kill()

    expect(await exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('holds a paused service still, resumes it, and stops it even when paused', async () => {
    const { service } = await newService()
    await service.start()

    service.pause()
    await expect(get(`${service.url}/health`, 300)).rejects.toThrow()
    service.resume()
    expect((await get(`${service.url}/health`)).status).toBe(200)
    service.pause()

    expect(await service.stop()).toMatchObject({ code: 0 })
  })

  test('does nothing when it is not running', async () => {
    const { service } = await newService()

    await service.kill()
    expect(await service.stop()).toMatchObject({ code: null, signal: null })
  })
})

async function newService(
  options: Partial<ServiceOptions> = {},
): Promise<{ service: ServiceProcess; run: RunDir }> {
  const run = await openTestRun()
  const [port] = await freePorts(1)
  const service = createService({
    run,
    name: 'fixture',
    entry: join(import.meta.dirname, 'fixtures/service.ts'),
    port: port!,
    env: {},
    logFile: join(await run.sub('logs'), 'fixture.log'),
    ...options,
  })
  return { service, run }
}

async function get(url: string, timeoutMs = 5_000): Promise<{ status: number; body: string }> {
  const response = await request(url, { reset: true, signal: AbortSignal.timeout(timeoutMs) })
  return { status: response.statusCode, body: await response.body.text() }
}
