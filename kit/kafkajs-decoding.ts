import { DECOMPRESS, isInRecordBatches, readRecordBatches } from './record-batches.ts'

interface Decoder {
  readInt32: () => number
  canReadBytes: (count: number) => boolean
  readBytes: (count: number) => Buffer
}

/** Answers the records of one whole batch. */
type DecodeBatch = (batch: Buffer) => Promise<object[]>
type DecodeMessages = (decoder: Decoder) => Promise<unknown[]>

/**
 * Lets kafkajs 2.2.4 read whatever other producers write; `load` is the `require` of a folder that may import it, `decodeBatch`
 * reads batches in its place. Answers what the library does by itself, so that a test can show it.
 *
 * By itself it knows only gzip, unpacks it without a limit, and answers one batch it cannot read with an error of the whole
 * fetch, for ever: nothing behind it in the partition would be read again. Here lz4, snappy and zstd are known, and what
 * cannot be read comes as one record that says why (`unreadable`): poison like any other.
 */
export function guardDecoding(
  load: NodeJS.Require,
  decodeBatch: DecodeBatch = byItself(load),
): DecodeMessages {
  const path = load.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages')
  const unguarded = load(path) as DecodeMessages
  const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
  // The library loads its fetch requests, which hold on to this function, at the first fetch.
  const module = load.cache[path] as NodeJS.Module
  module.exports = async function guarded(decoder: Decoder) {
    const size = decoder.readInt32()
    if (size <= 0 || !decoder.canReadBytes(size)) return []
    const set = decoder.readBytes(size)
    if (isInRecordBatches(set)) return readRecordBatches(set, decodeBatch)
    const length = Buffer.alloc(4)
    length.writeInt32BE(size)
    return unguarded(new Decoder(Buffer.concat([length, set])))
  }
  return unguarded
}

function byItself(load: NodeJS.Require): DecodeBatch {
  const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
  const decode = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (
    decoder: Decoder,
  ) => Promise<{ records: { headers: Record<string, unknown> }[] }>
  const { Codecs } = load('kafkajs/src/protocol/message/compression') as {
    Codecs: Record<number, () => { decompress: (data: Buffer) => Promise<Buffer> }>
  }
  for (const [codec, decompress] of Object.entries(DECOMPRESS)) Codecs[Number(codec)] = () => ({ decompress })
  return async (batch) => {
    const { records } = await decode(new Decoder(batch))
    for (const { headers } of records) dropInherited(headers)
    return records
  }
}

/** The library takes what every object inherits, as `toString`, for a header of that name which came before. */
function dropInherited(headers: Record<string, unknown>): void {
  for (const name in headers) {
    if (!(name in Object.prototype)) continue
    const [, ...values] = headers[name] as unknown[]
    headers[name] = values.length === 1 ? values[0] : values
  }
}
