import { AssignerProtocol, type Cluster, type Logger } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { exclusiveAssigner } from './exclusive-assigner.ts'

const cluster = {
  findTopicPartitionMetadata: () => [0, 1, 2].map((partitionId) => ({ partitionId })),
} as unknown as Cluster
const assignerOf = (member: string) =>
  exclusiveAssigner(member)({ cluster, groupId: 'g', logger: {} as Logger })

const memberOf = (member: string) => ({
  memberId: `id-of-${member}`,
  memberMetadata: assignerOf(member).protocol({ topics: ['a', 'b'] }).metadata,
})

describe('exclusive assigner', () => {
  test('gives every partition of every topic to the leader, and an empty assignment to the others', async () => {
    const members = ['one', 'leader', 'three'].map(memberOf)

    const assigned = await assignerOf('leader').assign({ members, topics: ['a', 'b'] })

    const decoded = assigned.map(({ memberId, memberAssignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
    ])
    expect(decoded).toEqual([
      ['id-of-one', {}],
      ['id-of-leader', { a: [0, 1, 2], b: [0, 1, 2] }],
      ['id-of-three', {}],
    ])
  })
})
