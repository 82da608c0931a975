import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface RabbitPorts {
  amqp: number
  management: number
  prometheus: number
  distribution: number
  epmd: number
}

/** guest may log in over the loopback interface only, which is all a private node listens on. */
export const guest = { username: 'guest', password: 'guest' }

/** Writes the configuration of a private node into its folder. */
export async function writeRabbitConfig(folder: string, ports: RabbitPorts): Promise<void> {
  const conf = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    'prometheus.tcp.ip = 127.0.0.1',
    `prometheus.tcp.port = ${ports.prometheus}`,
    'log.console = true',
    'log.console.level = info',
    'log.console.use_colors = off',
    'log.file = false',
    // Queue depths in the management API are then at most a second old, instead of five.
    'collect_statistics_interval = 1000',
    // The page gathers them at the shortest of these intervals; they are kept as long as by default.
    'management.sample_retention_policies.global.minute = 1',
    'management.sample_retention_policies.global.hour = 60',
    'management.sample_retention_policies.global.day = 1200',
    'management.sample_retention_policies.basic.minute = 1',
    'management.sample_retention_policies.basic.hour = 60',
    'management.sample_retention_policies.detailed.10 = 1',
  ]
  await mkdir(join(folder, 'mnesia'), { recursive: true })
  await writeFile(join(folder, 'rabbitmq.conf'), `${conf.join('\n')}\n`)
  await writeFile(join(folder, 'enabled_plugins'), '[rabbitmq_management,rabbitmq_prometheus].\n')
  // The same second for quorum queues, which report on a tick of their own.
  await writeFile(join(folder, 'advanced.config'), '[{rabbit, [{quorum_tick_interval, 1000}]}].\n')
}

/** The whole environment of a private node: nothing of a system node (cookie, names, folders) can leak in. */
export function rabbitEnv(folder: string, ports: RabbitPorts, epmd: string, path: string | undefined) {
  return {
    PATH: [path, dirname(epmd), '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'].filter(Boolean).join(':'),
    LANG: 'C.UTF-8',
    // Erlang creates its cookie here, readable by this user only.
    HOME: folder,
    RABBITMQ_NODENAME: `lab-${ports.amqp}@localhost`,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    // Otherwise every file of /etc/rabbitmq/conf.d is read as well.
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // The script then replaces itself by the Erlang VM: the process we started is the broker, not a shell above it.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}
