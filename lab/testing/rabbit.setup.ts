import type { TestProject } from 'vitest/node'
import { startRabbit } from '../stack/brokers/index.ts'
import { openTestRun } from './test-run.ts'

/** One RabbitMQ for the whole test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const testRun = await openTestRun(project)
  const broker = await testRun.start(startRabbit)
  const { kind, url, managementUrl, username, password, version, origin } = broker
  project.provide('rabbit', { kind, url, managementUrl, username, password, version, origin })
  return testRun.close
}
