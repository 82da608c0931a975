/** What a transport can do. The pipeline contract asks for exactly this, and the README shows it as a table. */
export interface Features {
  style: string
  /** `POST /order` answers with the outcome (201, 422), not with a promise of one (202). */
  answersWithOutcome: boolean
  /** Orders are accepted while inventory is away, and decided when it is back. */
  acceptsWhileInventoryIsAway: boolean
  /** A malformed message ends, with its reason, in a place where people can look at it. */
  deadLetters: boolean
  /** Every reserved order is notified, once in effect; otherwise notification is best effort or not part of the style. */
  notifies: 'always' | 'best effort' | 'never'
  /** What a killed service finds again: its own file, or the broker's log. */
  remembersIn: 'file' | 'log'
  /** Past messages can be read again, by anyone, at any time. */
  replays: boolean
}

export const features = {
  'sync-rest': {
    style: 'blocking HTTP',
    answersWithOutcome: true,
    acceptsWhileInventoryIsAway: false,
    deadLetters: false,
    notifies: 'best effort',
    remembersIn: 'file',
    replays: false,
  },
  'async-rabbitmq': {
    style: 'RabbitMQ topic exchange',
    answersWithOutcome: false,
    acceptsWhileInventoryIsAway: true,
    deadLetters: true,
    notifies: 'always',
    remembersIn: 'file',
    replays: false,
  },
  'streaming-kafka': {
    style: 'Kafka topics',
    answersWithOutcome: false,
    acceptsWhileInventoryIsAway: true,
    deadLetters: true,
    notifies: 'never',
    remembersIn: 'log',
    replays: true,
  },
} satisfies Record<string, Features>
