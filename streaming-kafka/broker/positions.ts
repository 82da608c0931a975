export interface Offset {
  topic: string
  partition: number
  offset: number
}

/** How far each partition has been read: the offset of the next record, by topic and partition. */
export class Positions {
  readonly #next = new Map<string, Map<number, number>>()

  get(topic: string, partition: number): number | undefined {
    return this.#next.get(topic)?.get(partition)
  }

  set({ topic, partition, offset }: Offset): void {
    let partitions = this.#next.get(topic)
    if (!partitions) {
      partitions = new Map()
      this.#next.set(topic, partitions)
    }
    partitions.set(partition, offset)
  }

  /** Records still to read until every partition has reached its end in `ends`. */
  remaining(ends: Offset[]): number {
    let remaining = 0
    for (const { topic, partition, offset } of ends)
      remaining += Math.max(0, offset - (this.get(topic, partition) ?? 0))
    return remaining
  }

  all(): Offset[] {
    return [...this.#next].flatMap(([topic, partitions]) =>
      [...partitions].map(([partition, offset]) => ({ topic, partition, offset })),
    )
  }
}
