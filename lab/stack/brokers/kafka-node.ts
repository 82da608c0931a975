import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Child, startChild } from '../child.ts'
import { checkKafka } from '../kafka-admin.ts'
import { logTail, readTail } from '../log-tail.ts'
import { PortTaken, saysPortTaken } from '../ports.ts'
import type { RunDir } from '../run-dir.ts'
import { Hopeless, until } from '../wait.ts'
import type { Java } from './java.ts'
import type { KafkaFiles, KafkaPorts } from './kafka-config.ts'
import type { BrokerControl } from './types.ts'

export interface KafkaNodeOptions {
  run: RunDir
  java: Java
  libs: string
  folder: string
  files: KafkaFiles
  ports: KafkaPorts
}

export interface KafkaNode extends Omit<BrokerControl, 'start'> {
  /** Formats the storage the first time, starts the broker unless it runs, and waits until it serves. */
  start(signal?: AbortSignal): Promise<void>
  /** Ends the process for good; what is on disk is not needed any more. */
  end(): Promise<void>
}

const FORMAT_MS = 60_000
const START_MS = 120_000
/** Orderly shutdown takes about a second. */
const STOP_MS = 20_000
const END_MS = 3_000

const formatFlags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const brokerFlags = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC']

/** One private Kafka process, broker and controller in one. */
export function kafkaNode(options: KafkaNodeOptions): KafkaNode {
  let formatted = false
  let ended = false
  let broker: Child | undefined

  return {
    async start(signal) {
      if (!formatted) await formatStorage(options, signal)
      formatted = true
      if (!broker?.isRunning()) broker = await runJava(options, 'kafka', brokerFlags, ['kafka.Kafka'])
      if (ended) await this.end() // it was closed while it was being started
      await waitUntilServing(options, broker, signal)
    },
    async kill() {
      await broker?.kill()
    },
    async stop() {
      if (broker?.isRunning()) await broker.stop(STOP_MS)
    },
    async pause() {
      await broker?.pause()
    },
    async resume() {
      broker?.resume()
    },
    async end() {
      ended = true
      if (broker?.isRunning()) await broker.stop(END_MS)
    },
  }
}

async function formatStorage(options: KafkaNodeOptions, signal?: AbortSignal): Promise<void> {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A') // '-…' would read as an option
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', options.files.properties]
  const tool = await runJava(options, 'kafka-format', formatFlags, format)
  const stop = () => void tool.kill()
  const limit = setTimeout(stop, FORMAT_MS)
  signal?.addEventListener('abort', stop)
  try {
    const { code } = await tool.exited
    signal?.throwIfAborted()
    const logFile = kafkaLog(options)
    if (code !== 0)
      throw new Error(`Kafka cannot format its storage. The end of ${logFile}:\n${logTail(logFile)}`)
  } finally {
    clearTimeout(limit)
    signal?.removeEventListener('abort', stop)
  }
}

/** `main` is the class and its arguments; the broker's is given the properties file. */
function runJava(options: KafkaNodeOptions, name: string, flags: string[], main: string[]): Promise<Child> {
  const { run, java, libs, folder, files } = options
  const logging = `-Dlog4j2.configurationFile=file:${files.logging}`
  const properties = name === 'kafka' ? [files.properties] : []
  return startChild({
    run,
    name,
    command: java.command,
    args: [...flags, logging, '-cp', join(libs, '*'), ...main, ...properties],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HOME: folder },
    logFile: kafkaLog(options),
    cwd: folder,
  })
}

async function waitUntilServing(
  options: KafkaNodeOptions,
  broker: Child,
  signal?: AbortSignal,
): Promise<void> {
  const logFile = kafkaLog(options)
  const address = `127.0.0.1:${options.ports.broker}`
  const serving = async () => {
    if (broker.isRunning()) return (await checkKafka([address])) > 0
    if (saysPortTaken(readTail(logFile))) throw new PortTaken('a port of Kafka was taken meanwhile')
    throw new Hopeless(`Kafka ended while it started. The end of ${logFile}:\n${logTail(logFile)}`)
  }
  await until(serving, {
    what: 'Kafka to serve',
    timeoutMs: START_MS,
    everyMs: 100,
    signal,
    detail: () => `The end of ${logFile}:\n${logTail(logFile)}`,
  })
}

function kafkaLog({ run, ports }: KafkaNodeOptions): string {
  return join(run.path, 'logs', `kafka-${ports.broker}.log`)
}
