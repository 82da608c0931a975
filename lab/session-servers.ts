import type { RunDir } from '@lab/stack/run-dir.ts'
import {
  type AnyServer,
  type ServerName,
  type ServerOptions,
  type Servers,
  startServer,
} from '@lab/stack/servers/index.ts'

export type Progress = (text: string) => void

/** At most one server of each kind, found or started when it is asked for. */
export interface SessionServers {
  server: <Name extends ServerName>(
    name: Name,
    options?: SessionServerOptions<Name>,
  ) => Promise<Servers[Name]>
  started: () => AnyServer[]
  /** Ends starts that are under way; resolves when none is. Later calls start nothing. */
  endStarts: () => Promise<void>
}

export interface SessionServerOptions<Name extends ServerName> {
  progress?: Progress | undefined
  /** For the first call. */
  options?: ServerOptions[Name]
}

export interface SessionServersOptions {
  run: RunDir
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  progress: Progress
}

export function createSessionServers({ run, env, signal, progress }: SessionServersOptions): SessionServers {
  const starts = new AbortController()
  const context = { run, env, signal: AbortSignal.any([signal, starts.signal]) }
  const started: AnyServer[] = []
  const starting = new Map<ServerName, Promise<AnyServer>>()

  const begin = async <Name extends ServerName>(
    name: Name,
    { progress: say = progress, options }: SessionServerOptions<Name>,
  ) => {
    try {
      const server = await startServer(name, { ...context, progress: say }, options)
      started.push(server)
      return server
    } catch (err) {
      starts.abort(err) // nobody will use the others
      throw err
    }
  }
  return {
    server<Name extends ServerName>(name: Name, options: SessionServerOptions<Name> = {}) {
      const known = starting.get(name) ?? begin(name, options)
      starting.set(name, known)
      return known as Promise<Servers[Name]>
    },
    started: () => [...started],
    async endStarts() {
      starts.abort(new Error('the session is closing'))
      await Promise.allSettled(starting.values()) // whoever asked for one reports it
    },
  }
}
