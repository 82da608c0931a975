import type { RunDir } from '../run-dir.ts'

/** Whose broker it is: somebody else's, a container of this run, a private process of this run. */
export type BrokerOrigin = 'external' | 'docker' | 'local'
export const brokerOrigins: readonly BrokerOrigin[] = ['external', 'docker', 'local']

/** Power over a broker of this run. After `start` it listens on the same ports and holds the same data. */
export interface BrokerControl {
  /** SIGKILL to the broker itself; resolves when it is gone. */
  kill(): Promise<void>
  /** Starts a killed or stopped broker; resolves when it serves again. Nothing happens when it runs. */
  start(): Promise<void>
  /** Orderly shutdown; resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGSTOP to all that serves: it keeps its connections and does nothing. */
  pause(): Promise<void>
  resume(): Promise<void>
}

export interface RabbitBroker {
  kind: 'rabbitmq'
  /** AMQP URL with credentials and virtual host. */
  url: string
  /** Base URL of the management API and page, without credentials. */
  managementUrl: string
  username: string
  password: string
  version: string
  origin: BrokerOrigin
  /** Absent for an external broker. */
  control?: BrokerControl
  /** Runs rabbitmqctl against this node. Absent where it is not at hand. */
  ctl?(...args: string[]): Promise<void>
  /** Stops and removes what the lab made. Idempotent, bounded. An external broker keeps running. */
  close(): Promise<void>
}

export interface KafkaBroker {
  kind: 'kafka'
  /** `host:port` of each bootstrap broker. */
  brokers: string[]
  /**
   * One more listener for clients that are to meet a proxy: it serves on `upstream` and advertises `listen`, where the
   * proxy has to be. Whoever starts from 127.0.0.1:<listen> never learns another address. Absent where the lab does not
   * configure the broker.
   */
  proxied?: { listen: number; upstream: number }
  /** 'unknown' for an external broker: the protocol does not tell. */
  version: string
  origin: BrokerOrigin
  control?: BrokerControl
  close(): Promise<void>
}

export interface BrokerContext {
  run: RunDir
  env: NodeJS.ProcessEnv
  progress: (text: string) => void
  /** Aborts a start that is under way; what it had started is ended before the start rejects. */
  signal?: AbortSignal
}
