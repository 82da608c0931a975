import type { TestProject } from 'vitest/node'
import { startKafka } from '../stack/brokers/index.ts'
import { openTestRun } from './test-run.ts'

/** One Kafka for the whole test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const testRun = await openTestRun(project)
  const broker = await testRun.start(startKafka)
  const { kind, brokers, version, origin } = broker
  project.provide('kafka', { kind, brokers, version, origin })
  return testRun.close
}
