import { features } from '@lab/common/testing/features.ts'
import { call, type Pipeline } from '@lab/common/testing/pipeline.ts'
import { type RunningPart, type StartPartOptions, startPart } from '@lab/lab/stack/part.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'

export { features }

export interface OpenOptions extends Pick<StartPartOptions, 'serviceEnv'> {
  stock?: string
  durable?: boolean
}

export interface SyncRest extends Pipeline, Pick<RunningPart, 'order' | 'inventory' | 'third'> {
  order: RunningPart['order']
  inventory: RunningPart['inventory']
  third: RunningPart['third']
}

/** The three services of this part as processes on free ports, ready. */
export async function openPipeline({ stock, durable, serviceEnv = {} }: OpenOptions): Promise<SyncRest> {
  const part = await startPart('sync-rest', {
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
