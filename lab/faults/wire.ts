import { freePorts, isPortFree } from '@lab/stack/ports.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import type { RunningTrio, TrioName } from '../trio.ts'
import { NotApplicable, type Setting, type Started } from './fault.ts'

const HOST = '127.0.0.1'

/**
 * Starts a part with a proxy where it depends on somebody: between order and inventory in A, between all services and
 * the broker in B and C. The lab itself goes past it.
 */
export const wired: Record<TrioName, (setting: Setting) => Promise<Started>> = {
  'sync-rest': async () => {
    const base = await threePorts()
    const wire = await openTcpProxy({ upstream: { host: HOST, port: base + 1 } })
    const serviceEnv = { order: { INVENTORY_URL: `http://${HOST}:${wire.port}` } }
    return { options: { ports: base, serviceEnv }, wire, close: () => wire.close() }
  },

  'async-rabbitmq': async (setting) => {
    const rabbit = await setting.rabbit()
    const { hostname, port } = new URL(rabbit.url)
    const wire = await openTcpProxy({ upstream: { host: hostname, port: Number(port || 5672) } })
    const through = { ...rabbit, url: withAddress(rabbit.url, HOST, wire.port) }
    const direct = (part: RunningTrio) => ({
      ...part,
      rabbit: { ...part.rabbit!, url: withAddress(part.rabbit!.url, hostname, Number(port || 5672)) },
    })
    return { options: { rabbit: through }, wire, direct, close: () => wire.close() }
  },

  'streaming-kafka': async (setting) => {
    const { proxied } = await setting.kafka()
    if (!proxied) throw new NotApplicable('this Kafka has no listener for clients behind a proxy')
    const wire = await openTcpProxy({
      port: proxied.listen,
      upstream: { host: HOST, port: proxied.upstream },
    })
    return {
      options: { env: { KAFKA_BROKERS: `${HOST}:${proxied.listen}` } },
      wire,
      close: () => wire.close(),
    }
  },
}

function withAddress(url: string, host: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = host
  changed.port = String(port)
  return changed.href
}

/** The first of three in a row: the proxy has to know where inventory will be before it is started. */
async function threePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const [base] = await freePorts(1)
    if ((await isPortFree(base! + 1)) && (await isPortFree(base! + 2))) return base!
  }
  throw new Error('no three free ports in a row')
}
