import type { TestProject } from 'vitest/node'
import type { BrokerContext } from '../stack/brokers/types.ts'
import { openRunDir } from '../stack/run-dir.ts'
import './provided.ts'

interface Closable {
  close(): Promise<void>
}

export interface TestRun {
  /** Starts a broker in this run. When it cannot start, the run is closed before this rejects. */
  start<Broker extends Closable>(start: (context: BrokerContext) => Promise<Broker>): Promise<Broker>
  /** Stops the brokers in reverse order, then ends every process of the run and removes its folder. */
  close: () => Promise<void>
}

/**
 * Opens the run directory of one project's tests and provides it to them as `run`. Vitest answers Ctrl-C by ending the
 * process at once; the run directory then takes every process of the run along, those of the test workers included.
 */
export async function openTestRun(project: TestProject): Promise<TestRun> {
  const progress = (text: string) => void process.stderr.write(`${project.name}: ${text}\n`)
  const run = await openRunDir({ env: process.env, progress })
  project.provide('run', { id: run.id, path: run.path })

  const interrupted = new AbortController()
  project.vitest.onCancel(() => interrupted.abort())
  const started: Closable[] = []
  const close = async () => {
    for (const broker of started.reverse()) await broker.close()
    await run.close()
  }
  return {
    async start(startBroker) {
      try {
        const broker = await startBroker({ run, env: process.env, progress, signal: interrupted.signal })
        started.push(broker)
        return broker
      } catch (err) {
        await close()
        throw err
      }
    },
    close,
  }
}
