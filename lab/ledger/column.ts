type Numbers = Uint8Array | Uint32Array | Int32Array | Float64Array

/** A column of numbers that grows by itself: a million orders cost megabytes, not objects. */
export class Column<Kind extends Numbers> {
  #values: Kind
  readonly #kind: new (
    length: number,
  ) => Kind

  constructor(kind: new (length: number) => Kind) {
    this.#kind = kind
    this.#values = new kind(1_024)
  }

  /** 0 where nothing was written. */
  get(row: number): number {
    return this.#values[row] ?? 0
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) {
      const grown = new this.#kind(Math.max(row + 1, this.#values.length * 2))
      grown.set(this.#values as never)
      this.#values = grown
    }
    this.#values[row] = value
  }
}

/** A column of values from a short list, one byte each; undefined where nothing was written. */
export class EnumColumn<Value extends string> {
  readonly #codes = new Column(Uint8Array)
  readonly #values: readonly Value[]

  constructor(values: readonly Value[]) {
    this.#values = values
  }

  get(row: number): Value | undefined {
    return this.#values[this.#codes.get(row) - 1]
  }

  set(row: number, value: Value): void {
    this.#codes.set(row, this.#values.indexOf(value) + 1)
  }
}
