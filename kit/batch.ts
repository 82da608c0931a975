/**
 * Turns a function over many items into a function of one: calls that arrive while a batch is running, or in the same
 * turn of the event loop, are run together, one batch at a time and in the order of the calls. Under load this is
 * one transaction, or one request to a broker, for many callers; alone it adds less than a turn of the loop.
 *
 * `run` answers one result per item, in order. When it throws, every caller of that batch sees the error.
 */
export function batched<Item, Result>(
  run: (items: Item[]) => Result[] | Promise<Result[]>,
  { maxBatch }: { maxBatch: number },
): (item: Item) => Promise<Result> {
  let waiting: { item: Item; resolve: (result: Result) => void; reject: (err: unknown) => void }[] = []
  let isRunning = false

  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch)
      waiting = waiting.slice(maxBatch)
      try {
        const results = await run(batch.map(({ item }) => item))
        for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result)
      } catch (err) {
        for (const { reject } of batch) reject(err)
      }
    }
    isRunning = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (isRunning) return
      isRunning = true
      setImmediate(drain)
    })
}
