import type { PartitionAssigner } from 'kafkajs'
import { AssignerProtocol } from './kafkajs.ts'

/**
 * Gives every partition to one member; the others are hot standbys that heartbeat and hold nothing.
 *
 * The group leader takes all for itself. The coordinator keeps its leader for as long as it is a member, so a standby that
 * joins does not move the partitions, and one that is left over becomes leader and takes over. `self` tells the leader
 * which of the members it is.
 */
export const exclusiveAssigner =
  (self: string): PartitionAssigner =>
  ({ cluster }) => ({
    name: 'ExclusiveAssigner',
    version: 0,
    protocol: ({ topics }) => ({
      name: 'ExclusiveAssigner',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.from(self) }),
    }),
    assign: async ({ members, topics }) => {
      const owner = members.find(
        ({ memberMetadata }) =>
          AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData.toString() === self,
      )
      const everything = Object.fromEntries(
        topics.map((topic) => [
          topic,
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
        ]),
      )
      return members.map((member) => ({
        memberId: member.memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment: member === owner ? everything : {},
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
