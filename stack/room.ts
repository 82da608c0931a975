import { statfs } from 'node:fs/promises'

/** RabbitMQ takes no messages below 50 MB, and Kafka ends with its disk; the rest is what a tour writes. */
const LEAST_BYTES = 250_000_000

/** Rejects when the disk of a folder is so full that a broker there would stop in the middle of its work. */
export async function requireRoom(folder: string, what: string, leastBytes = LEAST_BYTES): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= leastBytes) return
  throw new Error(
    `only ${megabytes(free)} MB are free in ${folder}, and ${what} needs ${megabytes(leastBytes)}: make room, or set TMPDIR to a folder on another disk`,
  )
}

const megabytes = (bytes: number) => Math.floor(bytes / 1e6)
