import { setTimeout as sleep } from 'node:timers/promises'
import type { TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { drivers } from '../../parts/index.ts'
import { type Acts, type Fault, type FaultBench, inParts, NotInjected } from '../fault.ts'

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
  hold: number | 'silentMs',
): Fault => ({
  name: `connections ${name}`,
  kind: 'network',
  parts: inParts((times, part) => ({
    limitMs: times.brokerMs,
    holdMs: typeof hold === 'number' ? hold : times[hold],
    start: drivers[part].wire,
    on: (bench) => onWire(bench, act),
    soaks: true,
  })),
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
  faultOf('cut', cutOften, 0),
  faultOf('refused', (wire) => wire.refuse(), 3_000),
  faultOf('delayed by 300 ms', (wire) => wire.delay(300), 4_000),
  faultOf('throttled to 20 kB/s', (wire) => wire.throttle(20_000), 5_000),
  faultOf('half-open', (wire) => wire.freeze('both'), 'silentMs'),
  faultOf('half-open towards the upstream', (wire) => wire.freeze('up'), 'silentMs'),
  faultOf('half-open towards the client', (wire) => wire.freeze('down'), 'silentMs'),
]
