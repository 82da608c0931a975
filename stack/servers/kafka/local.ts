import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { checkKafka } from '../../kafka-admin.ts'
import { type LocalProcess, type Room, runTool, startLocal } from '../local.ts'
import { requirePiece } from '../pieces.ts'
import type { ServerContext } from '../server.ts'
import type { KafkaBroker } from './broker.ts'
import { KAFKA_VERSION } from './cache.ts'
import { type KafkaFiles, type KafkaPorts, writeKafkaConfig } from './config.ts'
import { kafkaJars } from './jars.ts'
import { findJava, type Java, javaPiece } from './java.ts'

const START_MS = 120_000

/**
 * A broker here lives for a run. Java's optimising compiler, beside everything else on two processors, has paid for itself after half a
 * million orders, and is a sixth ahead from there on; until then a broker without it has a third to half less to do.
 */
const javaFlags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const brokerFlags = [...javaFlags, '-Xms256m', '-Xmx512m']

/** Flags of Java for the broker, after the lab's own, which they override. */
const flagsIn = ({ LAB_KAFKA_JAVA_FLAGS = '' }: NodeJS.ProcessEnv): string[] =>
  LAB_KAFKA_JAVA_FLAGS.split(' ').filter((flag) => flag !== '')

interface Install {
  java: Java
  libs: string
}

/** A private Kafka in KRaft mode on free ports of 127.0.0.1; its data lives in the run's folder. */
export async function startLocalKafka(ctx: ServerContext): Promise<KafkaBroker> {
  const java = await requirePiece(javaPiece, ctx, findJava)
  const libs = await kafkaJars(ctx, java)
  const { ports, control, close } = await startLocal(ctx, {
    name: 'kafka',
    label: 'Kafka',
    version: KAFKA_VERSION,
    what: `a private broker on Java ${java.major}`,
    ports: 4,
    prepare: (room) => prepare(ctx, { java, libs }, room),
  })
  const { broker, proxied, proxy } = named(ports)
  return {
    kind: 'kafka',
    brokers: [`127.0.0.1:${broker}`],
    prefix: '',
    version: KAFKA_VERSION,
    origin: 'local',
    proxied: { listen: proxy, upstream: proxied },
    control,
    close,
  }
}

/** One process, broker and controller in one. */
async function prepare(ctx: ServerContext, install: Install, room: Room): Promise<LocalProcess<boolean>> {
  const { folder, ports } = room
  const files = await writeKafkaConfig(folder, named(ports))
  const { command } = install.java
  const argsOf = (flags: string[], ...main: string[]) => [
    ...flags,
    ...classPath(install, files, folder),
    ...main,
  ]
  let formatted = false
  return {
    command,
    args: argsOf([...brokerFlags, ...flagsIn(ctx.env)], 'kafka.Kafka', files.properties),
    async before(signal) {
      if (formatted) return
      const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A') // '-…' would read as an option
      const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', files.properties]
      const failure = 'Kafka cannot format its storage'
      const args = argsOf(javaFlags, ...format)
      await runTool(ctx, room, { name: 'kafka-format', command, args, failure }, signal)
      formatted = true
    },
    serves: async () => (await checkKafka([`127.0.0.1:${ports[0]}`])) > 0,
    startMs: START_MS,
    everyMs: 100,
  }
}

const classPath = ({ libs }: Install, { logging }: KafkaFiles, folder: string): string[] => [
  ...keepsTo(folder),
  `-Dlog4j2.configurationFile=file:${logging}`,
  '-cp',
  join(libs, '*'),
]

/** Java writes its counters, and the codecs their libraries, to /tmp; a killed one leaves them there. */
export const keepsTo = (folder: string): string[] => ['-XX:-UsePerfData', `-Djava.io.tmpdir=${folder}`]

function named([broker, controller, proxied, proxy]: number[]): KafkaPorts {
  return { broker, controller, proxied, proxy } as KafkaPorts
}
