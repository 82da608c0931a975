import type { Server } from '../server.ts'

export interface KafkaBroker extends Server {
  kind: 'kafka'
  /** `host:port` of each bootstrap broker. */
  brokers: string[]
  /**
   * What every topic, group and transactional id of the lab begins with here: nothing on a broker of this run, and nothing on
   * an external one until `freshKafka` has given a part a place of its own.
   */
  prefix: string
  /**
   * One more listener for clients that are to meet a proxy: it serves on `upstream` and advertises `listen`, where the
   * proxy has to be. Whoever starts from 127.0.0.1:<listen> never learns another address. Absent where the lab does not
   * configure the broker.
   */
  proxied?: { listen: number; upstream: number }
}
