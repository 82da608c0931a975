import { setTimeout as sleep } from 'node:timers/promises'
import type { TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { TRIOS, type TrioName } from '../../trio.ts'
import {
  type Acts,
  BROKER_LIMIT_MS,
  type Fault,
  type FaultBench,
  NotInjected,
  SERVICE_LIMIT_MS,
} from '../fault.ts'
import { wired } from '../wire.ts'

/** As long as for a broker that comes back: everything has to connect anew. */
const LIMIT_MS: Record<TrioName, number> = { ...SERVICE_LIMIT_MS, ...BROKER_LIMIT_MS }

/** Longer than the 5 s of an upstream call, three heartbeats of 5 s at RabbitMQ, a session and a request of Kafka. */
const SILENT_MS: Record<TrioName, number> = {
  'sync-rest': 7_000,
  'async-rabbitmq': 17_000,
  'streaming-kafka': 14_000,
}

const CUTS = 5
const CUT_EVERY_MS = 200

const onWire = (bench: FaultBench, act: (wire: TcpProxy) => void | Promise<void>): Acts => {
  const { wire } = bench
  if (!wire) throw new Error('the part was started without a proxy')
  return {
    inject: async () => {
      const open = wire.connections()
      if (open === 0) throw new NotInjected('no connection was open')
      await act(wire)
      return `${open} connections`
    },
    heal: () => wire.heal(),
  }
}

const faultOf = (
  name: string,
  act: (wire: TcpProxy) => void | Promise<void>,
  holdMs: (part: TrioName) => number,
): Fault => ({
  name: `connections ${name}`,
  kind: 'network',
  parts: Object.fromEntries(
    TRIOS.map((part) => [
      part,
      {
        limitMs: LIMIT_MS[part],
        holdMs: holdMs(part),
        start: wired[part],
        on: (bench: FaultBench) => onWire(bench, act),
        soaks: true,
      },
    ]),
  ) as Fault['parts'],
})

/** Several times within a second: what reconnects is cut again in the midst of it. */
async function cutOften(wire: TcpProxy): Promise<void> {
  for (let cut = 0; cut < CUTS; cut++) {
    wire.cut()
    await sleep(CUT_EVERY_MS)
  }
}

/** The way between order and inventory in A, to the broker in B and C. */
export const networkFaults: Fault[] = [
  faultOf('cut', cutOften, () => 0),
  faultOf(
    'refused',
    (wire) => wire.refuse(),
    () => 3_000,
  ),
  faultOf(
    'delayed by 300 ms',
    (wire) => wire.delay(300),
    () => 4_000,
  ),
  faultOf(
    'throttled to 20 kB/s',
    (wire) => wire.throttle(20_000),
    () => 5_000,
  ),
  faultOf(
    'half-open',
    (wire) => wire.freeze('both'),
    (part) => SILENT_MS[part],
  ),
  faultOf(
    'half-open towards the upstream',
    (wire) => wire.freeze('up'),
    (part) => SILENT_MS[part],
  ),
  faultOf(
    'half-open towards the client',
    (wire) => wire.freeze('down'),
    (part) => SILENT_MS[part],
  ),
]
