import { features } from '@lab/common/testing/features.ts'
import { call, type Pipeline } from '@lab/common/testing/pipeline.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { type RunningTrio, type StartTrioOptions, startTrio } from '@lab/lab/trio.ts'

export { features }

export interface OpenOptions extends Pick<StartTrioOptions, 'serviceEnv'> {
  stock?: string
  durable?: boolean
}

export interface SyncRest extends Pipeline, Pick<RunningTrio, 'order' | 'inventory' | 'third'> {
  order: RunningTrio['order']
  inventory: RunningTrio['inventory']
  third: RunningTrio['third']
}

/** The three services of this part as processes on free ports, ready. */
export async function openPipeline({ stock, durable, serviceEnv = {} }: OpenOptions): Promise<SyncRest> {
  const part = await startTrio('sync-rest', {
    run: joinRunDir(),
    ports: 'free',
    ...(durable && { durable }),
    env: { LOG_LEVEL: 'warn' },
    serviceEnv: { ...serviceEnv, inventory: { ...(stock && { STOCK: stock }), ...serviceEnv.inventory } },
  })
  const { order, inventory, third, close } = part

  // Nothing is published here: what a broker would deliver again, a caller sends again.
  const repeat = async (order_id: string) => {
    const { item, quantity } = (await call('GET', `${order.url}/orders/${order_id}`)).json
    const { status } = await call('POST', `${inventory.url}/reserve`, { order_id, item, quantity })
    if (status !== 200) throw new Error(`POST /reserve, repeated, answered ${status}`)
    await call('POST', `${third.url}/send`, { order_id, status: 'reserved', item })
  }
  return { order, inventory, third, repeat, close }
}
