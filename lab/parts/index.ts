import type { PartDriver, PartWatch, Running } from '../part.ts'
import type { TrioName } from '../trio.ts'
import { asyncRabbitmq } from './async-rabbitmq.ts'
import { streamingKafka } from './streaming-kafka.ts'
import { syncRest } from './sync-rest.ts'

export const drivers: Record<TrioName, PartDriver> = {
  'sync-rest': syncRest,
  'async-rabbitmq': asyncRabbitmq,
  'streaming-kafka': streamingKafka,
}

/** Short names for curves and columns. */
export const STYLE: Record<TrioName, string> = {
  'sync-rest': syncRest.style,
  'async-rabbitmq': asyncRabbitmq.style,
  'streaming-kafka': streamingKafka.style,
}

export const watchPart = (running: Running): Promise<PartWatch> => drivers[running.part.part].watch(running)
