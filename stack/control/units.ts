import { type AnyServer, kindOf, type ServerControl } from '../servers/index.ts'
import type { Exit, ServiceProcess } from '../service.ts'
import type { RunningPart } from '../spec.ts'
import type { Action, Done, State, Unit } from './protocol.ts'

/** A wrong name, or something that cannot be done to what it names. */
export class ControlError extends Error {
  /** Whether the name is one of those that run here. */
  readonly known: boolean

  constructor(message: string, { known }: { known: boolean }) {
    super(message)
    this.known = known
  }
}

/** What can be done to a process, whatever it is. */
interface Handle {
  pid(): number | undefined
  isRunning(): boolean
  stop(): Promise<unknown>
  kill(): Promise<unknown>
  start(): Promise<unknown>
  pause(): Promise<unknown>
  resume(): Promise<unknown>
}

/** Its state beyond whether it runs. Parts that share a server share this. */
interface Mode {
  busy: Action | undefined
  isPaused: boolean
  /** How it was ended from here. */
  ended: 'stopped' | 'killed' | undefined
}

interface Entry extends Pick<Unit, 'kind' | 'address'> {
  handle: Handle | undefined
  mode: Mode
}

export interface Units {
  add(part: RunningPart): void
  list(): Unit[]
  /** Rejects with a `ControlError`, or with what the start says when it fails. */
  act(action: Action, name: string): Promise<Done>
}

/** @param onDeath hears of a service that ends and was not ended from here */
export function createUnits(onDeath: (part: string, service: ServiceProcess, exit: Exit) => void): Units {
  const entries = new Map<string, Entry>()
  const modes = new Map<unknown, Mode>()
  const modeOf = (owner: unknown): Mode => {
    const mode = modes.get(owner) ?? { busy: undefined, isPaused: false, ended: undefined }
    modes.set(owner, mode)
    return mode
  }

  const addService = (part: string, service: ServiceProcess) => {
    const mode = modeOf(service)
    const watch = () =>
      void service.exited.then((exit) => {
        mode.isPaused = false
        if (mode.busy === undefined) onDeath(part, service, exit)
      })
    watch()
    const start = async () => {
      await service.start()
      watch()
    }
    const handle = handleOfService(service, start)
    entries.set(`${part}/${service.name}`, { kind: 'service', address: service.url, handle, mode })
  }
  const addServer = (part: string, server: AnyServer) => {
    const { control } = server
    const mode = modeOf(control ?? server)
    const handle = control && handleOfServer(control, mode)
    entries.set(`${part}/${server.kind}`, {
      kind: 'server',
      address: kindOf(server).address(server),
      handle,
      mode,
    })
  }

  return {
    add({ spec, services, servers }) {
      for (const service of Object.values(services)) addService(spec.name, service)
      for (const server of Object.values(servers)) addServer(spec.name, server)
    },
    list: () => [...entries].map(([name, entry]) => show(name, entry)),
    async act(action, name) {
      const entry = entries.get(name)
      if (!entry) throw new ControlError(`there is no ${name} here`, { known: false })
      const startedAt = performance.now()
      const changed = await act(action, name, entry)
      return { unit: show(name, entry), changed, ms: Math.round(performance.now() - startedAt) }
    },
  }
}

function show(name: string, entry: Entry): Unit {
  const { kind, address, handle } = entry
  const pid = handle?.pid()
  return {
    name,
    kind,
    address,
    state: stateOf(entry),
    ...(pid !== undefined && { pid }),
    controlled: handle !== undefined,
  }
}

function stateOf({ handle, mode: { busy, isPaused, ended } }: Entry): State {
  if (busy) return 'changing'
  if (!handle || handle.isRunning()) return isPaused ? 'paused' : 'running'
  return ended ?? 'ended'
}

/** Answers whether anything changed. One action at a time. */
async function act(action: Action, name: string, { handle, mode }: Entry): Promise<boolean> {
  const refuse = (why: string) => new ControlError(`${name} ${why}`, { known: true })
  if (!handle) throw refuse('is a server that is not of this run: the lab does not touch it')
  if (mode.busy) throw refuse(`is in the middle of a ${mode.busy}: try again when that is done`)
  const runs = handle.isRunning()
  if (!runs && (action === 'pause' || action === 'resume')) throw refuse('does not run')
  const isSo = {
    start: runs && !mode.isPaused,
    stop: !runs,
    kill: !runs,
    pause: mode.isPaused,
    resume: !mode.isPaused,
  }
  if (isSo[action]) return false
  mode.busy = action
  try {
    // What is paused runs already: to start it is to let it go on.
    await handle[action === 'start' && runs ? 'resume' : action]()
    mode.isPaused = action === 'pause'
    mode.ended = action === 'stop' ? 'stopped' : action === 'kill' ? 'killed' : undefined
    return true
  } finally {
    mode.busy = undefined
  }
}

const handleOfService = (service: ServiceProcess, start: () => Promise<void>): Handle => ({
  pid: () => service.pid,
  isRunning: () => service.pid !== undefined,
  stop: () => service.stop(),
  kill: () => service.kill(),
  start,
  pause: async () => service.pause(),
  resume: async () => service.resume(),
})

/** A server in a container has no pid here; it runs until it is ended from here. */
const handleOfServer = (control: ServerControl, mode: Mode): Handle => ({
  pid: () => control.pid?.(),
  isRunning: () => (control.pid ? control.pid() !== undefined : mode.ended === undefined),
  stop: () => control.stop(),
  kill: () => control.kill(),
  start: () => control.start(),
  pause: () => control.pause(),
  resume: () => control.resume(),
})
