import type { Duplex } from 'node:stream'
import type { ChannelModel } from 'amqplib'

/**
 * Sends the frames of one turn of the event loop in one system call. amqplib writes each frame on its own, and with
 * `noDelay` each becomes a packet: at thousands of messages a second that is the largest single cost of a service,
 * and of the broker that reads them. Nothing is held back beyond the turn in which it was written.
 */
export function coalesceWrites(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Duplex }
  const write = stream.write.bind(stream) as (chunk: Buffer) => boolean
  let isCorked = false
  stream.write = ((chunk: Buffer) => {
    if (!isCorked) {
      isCorked = true
      stream.cork()
      process.nextTick(() => {
        isCorked = false
        stream.uncork()
      })
    }
    return write(chunk)
  }) as Duplex['write']
}
