import type { ServerName, ServerOptions, Servers } from './servers/index.ts'
import type { ServiceProcess } from './service.ts'

/**
 * What a part of the house is: the services it consists of, the servers they need, and what the command line says and
 * offers about it. Each part's `part.ts` exports one; `parts.ts` at the root lists them. A description: importing it
 * starts nothing and loads no client.
 */
export interface PartSpec {
  /** Its folder. */
  name: string
  /** A few words for headings, e.g. `Kafka topics`. */
  style: string
  /** One of the three trios over the campus-food order, which the bench in `lab` compares. */
  isTrio: boolean
  /** The first port of its services when several parts run side by side; each part has a hundred. */
  basePort: number
  /** Servers that run before its services do. */
  servers: readonly ServerName[]
  /** How `up` starts those that are this run's and no other part's. */
  serverOptions?: Partial<ServerOptions>
  /** Services that have a database and a role of their own on the SQL server. */
  databases?: readonly string[]
  /** In the order in which they are stopped: intake first. */
  services: readonly ServiceSpec[]
  /**
   * Folders that its services share, each with the clients of servers that this folder alone imports; `{ broker:
   * ['amqplib'] }`.
   */
  shared: Readonly<Record<string, readonly string[]>>
  /** Clients that the services themselves import, and that folders they share may. */
  clients?: readonly string[]
  /** Where a crash between two lines matters: each step names what has happened, its text what has not yet. */
  steps?: Readonly<Record<string, StepSpec>>
  compose: {
    /** Containers of its compose file that are no service of its own, each with the variables of its ports. */
    helpers: Readonly<Record<string, readonly string[]>>
    /** Which of the helpers are its servers, where they are not called as the kind of server is. */
    servers?: Partial<Readonly<Record<ServerName, string>>>
    /** What its compose file has to be told beside ports, such as an address that a page is given; `port` is by variable. */
    env?(port: (variable: string) => number): Record<string, string>
  }
  /** What to try once it runs, each with a command to paste. */
  guide(part: RunningPart): Sample[]
  /** Sub-commands: `npm run lab -- <word> <command>`. */
  commands?: PartCommands
}

/** The services of a part, running and ready. */
export interface RunningPart {
  spec: PartSpec
  /** By name, in the order of the spec. */
  services: Readonly<Record<string, ServiceProcess>>
  /** Its servers as this part sees them: each its own empty place, unless `fresh` was false. */
  servers: Partial<Servers>
  /** The parent of the services' data folders, when `durable`. It lives until the run closes. */
  dataDir?: string
  /** What `/admin` asks for; processes of this machine need none. */
  adminToken?: string
  /**
   * One more instance of a service: its environment and data, a port and a log of its own. Not started; it ends with the
   * part. Absent where services are not processes of this run.
   */
  twin?(service: string): Promise<ServiceProcess>
  /** Stops the services, the first one before the others, then removes its places on the servers, which keep running. Idempotent. */
  close(): Promise<void>
}

export interface ServiceSpec {
  /** The folder inside the part, and its name in logs. */
  name: string
  /** The file to run, from the repository's root. */
  entry: string
  /** The port when the part runs on its own. */
  port: number
  /** The environment by which it learns where the others and its servers are; PEERS and DATA_DIR are added to it. */
  env(around: Surroundings): Record<string, string>
  /** Flags of Node that bound its heap, where the usual ones do not fit. */
  heap?: readonly string[]
  /** The page it serves, as folders from the repository's root; it is built before the service starts, which has it in PAGE_DIR. */
  page?: { folder: string; sources?: readonly string[] }
  /** Its name in the compose file, unique over all parts so that files can be merged, and the variable of its port. */
  compose: { name: string; port: string }
}

export interface Surroundings {
  /** Base URLs of the part's services, by name. */
  urls: Readonly<Record<string, string>>
  /** The part's servers, each as its own empty place. */
  servers: Servers
}

export interface StepSpec {
  /** The services that pass it. */
  services: readonly string[]
  means: string
}

/** What to try and the command for it, on lines of their own: not every shell takes a comment after a command. */
export type Sample = [what: string, command: string]

export interface PartCommands {
  /** The word before the command; the part's name does, too. */
  word: string
  /** What they are for, in a few words. */
  about: string
  list: Readonly<Record<string, PartCommand>>
}

export interface PartCommand {
  about: string
  /** Loads the command's module when it is used. */
  load(): Promise<{ run: RunCommand }>
}

/** Reads its own arguments, `--help` included; resolves to the exit code. Rejects with the signal's reason on Ctrl-C. */
export type RunCommand = (args: string[], io: CommandIo) => Promise<number>

export interface CommandIo {
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  print(line: string): void
  /** To stderr: progress and complaints. */
  say(line: string): void
}
