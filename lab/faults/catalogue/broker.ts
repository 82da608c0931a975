import type { ServerControl } from '@lab/stack/servers/server.ts'
import { drivers } from '../../parts/index.ts'
import { type Acts, type Fault, type FaultBench, NO_BROKER } from '../fault.ts'

const AWAY_MS = 2_000
/** Longer than three heartbeats of 5 s, and than a request of 10 s to Kafka. */
const STALL_MS = 17_000

function controlOf({ part }: FaultBench): ServerControl {
  const control = (part.rabbit ?? part.kafka)?.control
  if (!control) throw new Error('the broker is not of this run: nobody may kill it')
  return control
}

const kill = (bench: FaultBench): Acts => ({
  inject: async () => {
    await controlOf(bench).kill()
    return 'SIGKILL'
  },
  heal: () => controlOf(bench).start(),
})

const restart = (bench: FaultBench): Acts => ({
  inject: async () => {
    await controlOf(bench).stop()
    return 'orderly stop'
  },
  heal: () => controlOf(bench).start(),
})

const stall = (bench: FaultBench): Acts => ({
  inject: async () => {
    await controlOf(bench).pause()
    return 'SIGSTOP'
  },
  heal: () => controlOf(bench).resume(),
})

const faultOf = (name: string, on: (bench: FaultBench) => Acts, holdMs: number): Fault => ({
  name,
  kind: 'broker',
  parts: {
    'sync-rest': NO_BROKER,
    'async-rabbitmq': { limitMs: drivers['async-rabbitmq'].faults.brokerMs, holdMs, on, soaks: true },
    'streaming-kafka': { limitMs: drivers['streaming-kafka'].faults.brokerMs, holdMs, on, soaks: true },
  },
})

/** The broker killed, restarted in order, and stalled. */
export const brokerFaults: Fault[] = [
  faultOf('SIGKILL the broker', kill, AWAY_MS),
  faultOf('SIGTERM the broker', restart, 0),
  faultOf('SIGSTOP the broker', stall, STALL_MS),
]
