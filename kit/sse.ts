import { createParser } from 'eventsource-parser'

export interface ServerSentEvent {
  event: string
  data: string
}

/**
 * Splits a stream of server-sent events into events. Feed it text as it arrives, cut anywhere; it answers the events
 * that are complete. Comments, ids and retry hints are passed over.
 */
export function createSseParser(): (chunk: string) => ServerSentEvent[] {
  let events: ServerSentEvent[] = []
  const parser = createParser({ onEvent: ({ event = 'message', data }) => events.push({ event, data }) })
  return (chunk) => {
    events = []
    parser.feed(chunk)
    return events
  }
}
