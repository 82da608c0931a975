import type { KafkaLog } from '@lab/stack/kafka-log.ts'
import type { KafkaView } from '../../wire/views.ts'

/** What the brokers say of the part's topics and of the groups that read them. */
export async function kafkaView(log: KafkaLog, part: string, prefix: string): Promise<KafkaView> {
  const [nodes, names, groups] = await Promise.all([log.nodes(), log.topics(), log.groups()])
  const topics = names.filter((name) => name.startsWith(prefix) && !name.startsWith('__'))
  const [facts, configuration] = await Promise.all([log.partitions(topics), log.configuration(topics)])
  const ours = groups.filter(({ group }) => group.startsWith(prefix))
  const committed = await Promise.all(ours.map(({ group }) => log.committed(group, topics)))
  return {
    part,
    prefix,
    nodes,
    topics: topics.map((name) => {
      const config = configuration.get(name) ?? {}
      return {
        name: name.slice(prefix.length),
        retention: retentionOf(config),
        cleanup: config['cleanup.policy'] ?? 'unknown',
        partitions: facts
          .filter(({ topic }) => topic === name)
          .map(({ partition, leader, replicas, inSync, start, end }) => ({
            partition,
            leader: leader ?? null,
            replicas,
            inSync,
            start: start ?? null,
            end: end ?? null,
          })),
      }
    }),
    groups: ours.map(({ group, state, members }, at) => ({
      group: group.slice(prefix.length),
      state,
      members: members.map((member) => ({
        ...member,
        assigned: member.assigned.map((one) => ({ ...one, topic: one.topic.slice(prefix.length) })),
      })),
      committed: committed[at]!.map((one) => ({ ...one, topic: one.topic.slice(prefix.length) })),
    })),
  }
}

function retentionOf(config: Record<string, string>): string {
  const ms = Number(config['retention.ms'] ?? Number.NaN)
  const bytes = Number(config['retention.bytes'] ?? -1)
  if (Number.isNaN(ms)) return 'unknown'
  const time =
    ms < 0 ? 'for ever' : `${(ms / 3_600_000).toLocaleString('en', { maximumFractionDigits: 1 })} h`
  return bytes < 0 ? time : `${time}, at most ${bytes.toLocaleString('en')} bytes`
}
