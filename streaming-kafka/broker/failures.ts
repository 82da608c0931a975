interface KafkaFailure {
  type?: string
  name?: string
  cause?: unknown
}

/** The protocol error types of an error and of everything that caused it; kafkajs wraps them when it gives up. */
function typesOf(err: unknown): string[] {
  const types: string[] = []
  for (
    let at = err as KafkaFailure | undefined;
    at && types.length < 10;
    at = at.cause as KafkaFailure | undefined
  )
    types.push(at.type ?? at.name ?? '')
  return types
}

/** A newer producer took over this transactional id: nothing this one sends will ever be accepted again. */
export const isFenced = (err: unknown): boolean =>
  typesOf(err).some((type) => type === 'INVALID_PRODUCER_EPOCH' || type === 'PRODUCER_FENCED')

const TRANSIENT = [
  // The markers of the transaction before are still being written.
  'CONCURRENT_TRANSACTIONS',
  // The coordinator of the group is starting, or moving.
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]

/** A matter of milliseconds: the same request within the same transaction will do. */
export const isTransientInTransaction = (err: unknown): boolean =>
  typesOf(err).some((type) => TRANSIENT.includes(type))

/** The broker was there and said no, in the words of the protocol; a connection that failed has no such words. */
export const wasAnswered = (err: unknown): boolean => typesOf(err).some((type) => /^[A-Z_]{3,}$/.test(type))
