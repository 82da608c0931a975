import { describe, expect, test } from 'vitest'
import { ASK_AGAIN_MS, remembering } from './coordinators.ts'

function clusterWhere(answer: () => Promise<{ isConnected: () => boolean }>) {
  const clock = { now: 0 }
  const asked: string[] = []
  const find = remembering<object>(
    ({ groupId, coordinatorType = 0 }) => {
      asked.push(`${groupId} ${coordinatorType}`)
      return answer()
    },
    () => clock.now,
  )
  return { cluster: { find }, asked, clock }
}

const connected = { isConnected: () => true }

describe('the coordinator', () => {
  test('is asked for once a second, for each group and kind', async () => {
    const { cluster, asked, clock } = clusterWhere(async () => connected)
    const all = async () => {
      for (const wanted of [{ groupId: 'a' }, { groupId: 'b' }, { groupId: 'a', coordinatorType: 1 }])
        expect(await cluster.find(wanted)).toBe(connected)
    }
    await all()
    clock.now = ASK_AGAIN_MS - 1
    await all()
    expect(asked).toEqual(['a 0', 'b 0', 'a 1'])

    clock.now = ASK_AGAIN_MS
    await all()
    expect(asked).toHaveLength(6)
  })

  test('is asked for again when its connection is gone', async () => {
    const state = { isConnected: true }
    const { cluster, asked } = clusterWhere(async () => ({ isConnected: () => state.isConnected }))
    await cluster.find({ groupId: 'a' })
    state.isConnected = false
    await cluster.find({ groupId: 'a' })

    expect(asked).toHaveLength(2)
  })

  test('of one cluster is not that of another', async () => {
    const { cluster, asked } = clusterWhere(async () => connected)
    await cluster.find({ groupId: 'a' })
    await { ...cluster }.find({ groupId: 'a' })

    expect(asked).toHaveLength(2)
  })

  test('that could not be found is asked for again', async () => {
    let answers = 0
    const { cluster } = clusterWhere(async () => {
      if (answers++ === 0) throw new Error('not available')
      return connected
    })

    await expect(cluster.find({ groupId: 'a' })).rejects.toThrow('not available')
    expect(await cluster.find({ groupId: 'a' })).toBe(connected)
  })
})
