export interface KafkaPartition {
  partition: number
  leader: number | null
  replicas: number[]
  inSync: number[]
  start: number | null
  end: number | null
}

export interface KafkaTopic {
  name: string
  partitions: KafkaPartition[]
  /** What its configuration says of how long records are kept. */
  retention: string
  cleanup: string
}

export interface KafkaGroup {
  group: string
  state: string
  members: { id: string; client: string; host: string; assigned: { topic: string; partitions: number[] }[] }[]
  /** Where it has committed. */
  committed: { topic: string; partition: number; offset: number }[]
}

/** `GET /api/views/kafka`. */
export interface KafkaView {
  part: string
  /** What the names of the part's topics and groups begin with on these brokers; not shown before each. */
  prefix: string
  nodes: { id: number; host: string; port: number }[]
  topics: KafkaTopic[]
  groups: KafkaGroup[]
}

export interface KafkaRecord {
  partition: number
  offset: number
  /** Milliseconds since the epoch. */
  timestamp: number
  key: string | null
  headers: Record<string, string>
  bytes: number
  /** Of the envelope, where it is one. */
  type: string | null
  id: string | null
  /** The value as JSON, or as text where it is none; cut where it is long. */
  value: unknown
  unreadable?: string
}

/** `GET /api/views/kafka/records`. */
export interface KafkaRecords {
  records: KafkaRecord[]
  /** Records that were looked at. */
  searched: number
  /** Whether there is more of what was asked for. */
  hasMore: boolean
}

/** Entries of kind `replay`, and the answer to its command. */
export interface Replay {
  part: string
  state: 'reading' | 'done' | 'failed'
  before: Projection
  processed: number
  remaining: number
  after: Projection | null
  seconds: number
  text: string
}

export interface Projection {
  hash: string
  orders: number
  reserved: number
  failed: number
}

/** `GET /api/views/rabbitmq`. */
export interface RabbitView {
  part: string
  version: string
  vhost: string
  managementUrl: string
  exchanges: { name: string; type: string; durable: boolean }[]
  bindings: { exchange: string; key: string; queue: string }[]
  queues: {
    name: string
    type: string
    durable: boolean
    ready: number | null
    unacknowledged: number | null
    consumers: number | null
    arguments: Record<string, unknown>
  }[]
}
