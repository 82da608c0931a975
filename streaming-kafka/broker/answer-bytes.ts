// The memory of large answers, given back when the last batch in one is done, and not when garbage is collected. V8 collects when its own
// heap is full, and a fetch is little there and up to two megabytes beside it: in a replay twenty megabytes of what was counted long
// ago waited. Given back at once it is what the next answer is read into, and in the processor's cache.

/** Smaller answers share memory, as Node's small buffers do. */
const OWN_BYTES = 64 * 1024

/** How many batches of an answer are not done. */
const batchesIn = new WeakMap<ArrayBufferLike, number>()
/** Where the records of a batch lie. */
const answerOf = new WeakMap<readonly object[], ArrayBufferLike>()

/** Memory for an answer of this size. */
export function bytesForAnswer(size: number): Buffer<ArrayBuffer> {
  if (size < OWN_BYTES) return Buffer.allocUnsafe(size)
  const bytes = Buffer.allocUnsafeSlow(size)
  batchesIn.set(bytes.buffer, 0)
  return bytes
}

/** Says that `records` lie in `bytes`. */
export function lieIn(bytes: Buffer, records: readonly object[]): void {
  if (batchesIn.has(bytes.buffer)) answerOf.set(records, bytes.buffer)
}

/** Says that `batch`, of `records`, will be worked on. To be said of all batches of an answer before the first is done. */
export function claim(records: readonly object[], batch: readonly object[]): void {
  const answer = answerOf.get(records)
  if (!answer || batch.length === 0) return
  answerOf.set(batch, answer)
  batchesIn.set(answer, (batchesIn.get(answer) ?? 0) + 1)
}

/**
 * Says that nothing of the records of this batch will be read again, and nothing that was read of them but copies is kept. When no
 * batch of their answer is left its memory is free: whoever reads there after that finds no bytes, never those of others.
 */
export function giveBack(batch: readonly object[]): void {
  const answer = answerOf.get(batch)
  if (!answer) return
  answerOf.delete(batch)
  const left = (batchesIn.get(answer) ?? 0) - 1
  batchesIn.set(answer, left)
  if (left === 0) (answer as ArrayBuffer).transfer(0)
}
