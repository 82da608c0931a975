import { readFile } from 'node:fs/promises'
import { call } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPipeline } from './pipeline.ts'

const SECRET = 's3cr3t-word'

describe('a broker that refuses the login', () => {
  test('is named by every service, in /ready and in its log, without the password', async () => {
    const pipeline = await openPipeline()
    onTestFinished(() => pipeline.close())
    const url = new URL(pipeline.part.rabbit!.url)
    url.password = SECRET

    for (const service of [pipeline.order, pipeline.inventory, pipeline.third]) {
      await service.stop()
      const start = service.start({ env: { RABBITMQ_URL: url.href, LOG_LEVEL: 'debug' } })
      start.catch(() => {
        // It is never ready: this test ends it.
      })
      const { checks } = await waitFor('the refusal', async () => {
        const { json } = await call('GET', `${service.url}/ready`)
        return /ACCESS.REFUSED/i.test(json.checks.broker) && json
      })
      const answers = JSON.stringify([checks, (await call('GET', `${service.url}/health`)).json])
      // Lines are written in batches, and a SIGKILL takes what has not been written.
      const log = await waitFor('the refusal in the log', async () => {
        const lines = await readFile(service.logFile, 'utf8')
        return /ACCESS.REFUSED/i.test(lines) && lines
      })
      await service.kill()

      expect(log + answers).not.toContain(SECRET)
      expect(log + answers).not.toMatch(/"stack"|\\n\s+at /)
    }
  })
})
