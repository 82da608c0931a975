import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient } from './part-client.ts'

const Health = z.object({ unsettled: z.number() })

/** Until the order service of part A knows what became of every order, timed-out and failed ones included. */
export async function untilSettled(
  client: PartClient,
  { signal, progress }: Pick<ExperimentContext<unknown>, 'signal' | 'progress'>,
): Promise<void> {
  await waitFor(
    'the order service to settle what was unknown',
    async () => {
      const { unsettled } = Health.parse(await client.read('order', '/health'))
      progress(`settling in the background: ${unsettled} orders to go`)
      return unsettled === 0
    },
    { timeoutMs: 30_000, signal },
  )
}
