import type { TestProject } from 'vitest/node'
import { startKafka, startRabbit } from '../stack/brokers/index.ts'
import { openTestRun } from './test-run.ts'

/** One RabbitMQ and one Kafka for the whole test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const testRun = await openTestRun(project)
  const [rabbit, kafka] = await Promise.all([testRun.start(startRabbit), testRun.start(startKafka)])
  const { kind, url, managementUrl, username, password, version, origin } = rabbit
  project.provide('rabbit', { kind, url, managementUrl, username, password, version, origin })
  project.provide('kafka', {
    kind: kafka.kind,
    brokers: kafka.brokers,
    version: kafka.version,
    origin: kafka.origin,
    ...(kafka.proxied && { proxied: kafka.proxied }),
  })
  return testRun.close
}
