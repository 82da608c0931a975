import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { isAlive } from '@lab/stack/process-identity.ts'
import { runsFolder } from '@lab/stack/run-dir.ts'
import { readRecord } from '@lab/stack/run-record.ts'
import { z } from 'zod'
import { LivePart, PARTS_FILE } from '../wire/parts.ts'

const Parts = z.array(LivePart)
const HOST = '127.0.0.1'

/**
 * The parts whose dead letters are meant: those of `LIVE_PARTS`; else those of the brokers that `RABBITMQ_URL` and
 * `KAFKA_BROKERS` name, with their services on the ports they have on their own; else those of the newest `up` that runs.
 */
export function runningParts(env: NodeJS.ProcessEnv): LivePart[] {
  if (env.LIVE_PARTS !== undefined) return read(env.LIVE_PARTS, 'LIVE_PARTS')
  const named = namedParts(env)
  if (named.length > 0) return named
  const [newest] = liveRuns().flatMap((folder) => {
    try {
      return [read(readFileSync(join(folder, PARTS_FILE), 'utf8'), folder)]
    } catch {
      return [] // it is starting, or is no `up`
    }
  })
  if (newest) return newest
  throw new LabError(
    'LAB_DEPENDENCY_UNAVAILABLE',
    'Nothing runs: start `npm run lab -- up`, or say with RABBITMQ_URL and KAFKA_BROKERS where the brokers are',
  )
}

function read(text: string, from: string): LivePart[] {
  try {
    return Parts.parse(JSON.parse(text))
  } catch (err) {
    throw new LabError('LAB_CONFIG_INVALID', `${from}: ${messageOf(err)}`)
  }
}

function namedParts({
  RABBITMQ_URL,
  KAFKA_BROKERS,
  KAFKA_PREFIX = '',
  ORDER_URL,
}: NodeJS.ProcessEnv): LivePart[] {
  const both = RABBITMQ_URL !== undefined && KAFKA_BROKERS !== undefined
  const at = (port: number) => ORDER_URL ?? `http://${HOST}:${port}`
  return [
    ...(RABBITMQ_URL === undefined
      ? []
      : [
          {
            name: 'async-rabbitmq',
            style: 'RabbitMQ',
            isTrio: true,
            services: { 'order-service': at(both ? 8100 : 8000) },
            servers: { rabbitmq: { amqpUrl: RABBITMQ_URL, managementUrl: 'http://unknown', vhost: '' } },
          },
        ]),
    ...(KAFKA_BROKERS === undefined
      ? []
      : [
          {
            name: 'streaming-kafka',
            style: 'Kafka',
            isTrio: true,
            services: { 'producer-order': at(both ? 8200 : 8000) },
            servers: {
              kafka: { brokers: KAFKA_BROKERS.split(',').map((one) => one.trim()), prefix: KAFKA_PREFIX },
            },
          },
        ]),
  ]
}

/** Folders of runs whose runner lives, the newest first: their names begin with the time. */
function liveRuns(): string[] {
  const base = runsFolder()
  try {
    const names = readdirSync(base).sort().reverse()
    return names
      .map((name) => join(base, name))
      .filter((folder) => {
        const record = readRecord(folder)
        return record !== undefined && isAlive(record.runner)
      })
  } catch {
    return [] // nothing has ever run here
  }
}
