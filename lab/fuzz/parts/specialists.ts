import type { TrioName } from '../../trio.ts'
import type { Account, Opened } from './account.ts'
import { openAsyncRabbitmq } from './async-rabbitmq.ts'
import { openStreamingKafka } from './streaming-kafka.ts'
import { openSyncRest } from './sync-rest.ts'

export const openAccount: Record<TrioName, (opened: Opened) => Promise<Account>> = {
  'sync-rest': openSyncRest,
  'async-rabbitmq': openAsyncRabbitmq,
  'streaming-kafka': openStreamingKafka,
}
