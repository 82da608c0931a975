import { createServer } from 'node:http'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { localContext, localObstacle, openTestRun, processesOf } from './fixtures/lab.ts'
import { freePorts, isPortFree } from './ports.ts'
import { kindOf, startServer } from './servers/index.ts'

const obstacle = await localObstacle('prometheus')

describe.skipIf(obstacle)(`private Prometheus ${obstacle ?? ''}`, () => {
  test('scrapes what its configuration names, keeps it through SIGKILL, and leaves nothing', async () => {
    const run = await openTestRun()
    const target = await serveMetrics('orders_total 42\n')
    const config = `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: shop, static_configs: [{ targets: ['${target}'] }] }]\n`
    const server = await startServer('prometheus', localContext(run), { config })
    const value = () => query(server.url, 'max_over_time(orders_total{job="shop"}[1h])')
    await expect.poll(value, { timeout: 30_000 }).toBe('42')

    await server.control!.kill()
    await server.control!.start()

    expect(await value()).toBe('42')
    const external = await startServer('prometheus', {
      run,
      env: { PROMETHEUS_URL: server.url },
      progress: () => {},
    })
    expect(external).toMatchObject({ origin: 'external', version: server.version })
    expect(kindOf(server).page!(server)).toEqual({ url: server.url })
    await server.close()
    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(Number(new URL(server.url).port))).toBe(true)
  })

  test('names what is wrong with a configuration', async () => {
    const starting = startServer('prometheus', localContext(await openTestRun()), { config: 'scrape: 1\n' })

    await expect(starting).rejects.toThrow('field scrape not found')
  })
})

async function serveMetrics(text: string): Promise<string> {
  const [port] = await freePorts(1)
  const server = createServer((_, response) => response.end(text)).listen(port, '127.0.0.1')
  onTestFinished(() => void server.close().closeAllConnections())
  return `127.0.0.1:${port}`
}

async function query(url: string, promql: string): Promise<string | undefined> {
  const response = await request(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`)
  const { data } = (await response.body.json()) as { data: { result: { value: [number, string] }[] } }
  return data.result[0]?.value[1]
}
