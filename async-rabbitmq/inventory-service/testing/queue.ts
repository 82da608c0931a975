import { EventEmitter } from 'node:events'

export interface Queued {
  id: string
  body: Buffer
  headers: Record<string, unknown>
}

interface Delivery {
  content: Buffer
  fields: { deliveryTag: number; routingKey: string }
  properties: { messageId: string; headers: Record<string, unknown> }
}

interface PublishOptions {
  messageId: string
  headers: Record<string, unknown>
}

/** A queue as AMQP has it, with its retry queues and its dead letters: what is not acknowledged comes back. */
export class Queue {
  readonly ready: Queued[] = []
  /** In a step of the ladder. */
  readonly waiting: Queued[] = []
  readonly dead: Queued[] = []

  expire(): void {
    this.ready.push(...this.waiting.splice(0))
  }
}

/** What can happen to the process at a frame it sends. Throwing there means: it is gone, the frame was never sent. */
export type OnFrame = (frame: 'ack' | 'reject' | 'publish' | 'published') => void

/** One channel that consumes the queue. Once closed, it is deaf and dumb, and its deliveries are the queue's again. */
export class ConsumerChannel extends EventEmitter {
  readonly #queue: Queue
  readonly #onFrame: OnFrame
  readonly #unacked = new Map<number, Queued>()
  #deliver: ((delivery: Delivery) => void) | undefined
  #tag = 0
  isOpen = true

  constructor(queue: Queue, onFrame: OnFrame) {
    super()
    this.#queue = queue
    this.#onFrame = onFrame
  }

  get unacked(): number {
    return this.#unacked.size
  }

  async prefetch(): Promise<void> {}

  async consume(_queue: string, deliver: (delivery: Delivery) => void): Promise<{ consumerTag: string }> {
    this.#deliver = deliver
    return { consumerTag: 'tag' }
  }

  /** Delivers at most so many messages, all in one turn. */
  deliver(atMost: number): void {
    for (const message of this.#queue.ready.splice(0, atMost)) {
      this.#unacked.set(++this.#tag, message)
      this.#deliver?.({
        content: message.body,
        fields: { deliveryTag: this.#tag, routingKey: 'order.placed' },
        properties: { messageId: message.id, headers: message.headers },
      })
    }
  }

  ack({ fields: { deliveryTag } }: Delivery, upTo = false): void {
    this.#send('ack')
    for (const tag of this.#unacked.keys())
      if (tag === deliveryTag || (upTo && tag < deliveryTag)) this.#unacked.delete(tag)
  }

  reject({ fields: { deliveryTag } }: Delivery, requeue: boolean): void {
    this.#send('reject')
    const message = this.#unacked.get(deliveryTag)
    this.#unacked.delete(deliveryTag)
    if (message) (requeue ? this.#queue.ready : this.#queue.dead).push(message)
  }

  publish(
    exchange: string,
    _key: string,
    body: Buffer,
    { messageId, headers }: PublishOptions,
    confirm: (err: Error | null) => void,
  ): void {
    this.#send('publish')
    const place = exchange === 'dead_letter_exchange' ? this.#queue.dead : this.#queue.waiting
    place.push({ id: messageId, body, headers })
    this.#onFrame('published')
    setImmediate(() => this.isOpen && confirm(null))
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#queue.ready.unshift(...this.#unacked.values())
    this.#unacked.clear()
    this.emit('close')
  }

  #send(frame: 'ack' | 'reject' | 'publish'): void {
    if (!this.isOpen) throw new Error('Channel closed')
    this.#onFrame(frame)
  }
}
