import type { RunDir } from '../run-dir.ts'

/** Whose server it is: somebody else's, a container of this run, a private process of this run. */
export type ServerOrigin = 'external' | 'docker' | 'local'
export const serverOrigins: readonly ServerOrigin[] = ['external', 'docker', 'local']

/** Power over a server of this run. After `start` it listens on the same ports and holds the same data. */
export interface ServerControl {
  /** SIGKILL to the server itself; resolves when it is gone. */
  kill(): Promise<void>
  /** Starts a killed or stopped server; resolves when it serves again. Nothing happens when it runs. */
  start(): Promise<void>
  /** Orderly shutdown; resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGSTOP to all that serves: it keeps its connections and does nothing. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Answers undefined while it does not run. Absent where it is not a process of this machine's own. */
  pid?(): number | undefined
}

/**
 * A server that serves. Apart from its methods it is data: a test worker gets it from the runner and a place on it is
 * made by a spread. What can be done with it is asked of its kind (`kindOf(server)`).
 */
export interface Server {
  kind: string
  /** 'unknown' where an external server does not tell. */
  version: string
  origin: ServerOrigin
  /** Absent for an external server. */
  control?: ServerControl
  /** Stops and removes what the lab made. Idempotent, bounded. An external server keeps running. */
  close(): Promise<void>
}

export interface ServerContext {
  run: RunDir
  env: NodeJS.ProcessEnv
  progress: (text: string) => void
  /** Aborts a start that is under way; what it had started is ended before the start rejects. */
  signal?: AbortSignal
}

/** A program that a private server needs. */
export interface Piece {
  label: string
  /** What the package managers call it. Absent where none has it. */
  packages?: Packages
}

export interface Packages {
  /** The first Debian package that exists is taken. */
  debian: string[]
  fedora: string
  brew: string
  /** What the Debian package would start for the whole system. */
  service?: string
}

/** A piece and, in one line, what was found of it; undefined when it is missing. */
export interface PieceState {
  piece: Piece
  found: string | undefined
}

export interface ServerPage {
  url: string
  /** What to type there. */
  login?: string
}

export interface PlaceOptions {
  /** For whom, in names that a reader of the server's own page may meet. */
  part: string
  /** Those of the part that want something of their own within the place, where the kind has that. */
  services?: string[]
  signal?: AbortSignal | undefined
}

/** All there is to know about one kind of server. `Options` are about servers of this run: an external one is as it is. */
export interface ServerKind<S extends Server, Options = undefined> {
  name: S['kind']
  label: string
  /** The variable that names an external one. */
  variable: string
  external: {
    /** What the variable says, without credentials. Throws when it cannot be read. */
    address(env: NodeJS.ProcessEnv): string
    /** Answers when the server did. */
    use(ctx: ServerContext): Promise<S>
  }
  docker(ctx: ServerContext, options?: Options): Promise<S>
  local: {
    /** What a private one is made of, and which of it is here. Starts nothing. */
    pieces(env: NodeJS.ProcessEnv): Promise<PieceState[]>
    start(ctx: ServerContext, options?: Options): Promise<S>
  }
  /** Where it listens, without credentials. */
  address(server: S): string
  page?(server: S): ServerPage | undefined
  /** The variables by which a service finds it, or what is its own in a place. */
  env(server: S, service?: string): Record<string, string>
  /**
   * The server seen from a place that is empty and one part's own. `close` of what it answers removes the place and
   * leaves the server running. On an external server nothing goes that the lab did not make.
   */
  place(server: S, options: PlaceOptions): Promise<S>
  /** Whether the server is seen from a place that a run of the lab made. */
  isOwnPlace?(server: S): boolean
}
