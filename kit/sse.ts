export interface ServerSentEvent {
  event: string
  data: string
}

/**
 * Splits a stream of server-sent events into events. Feed it text as it arrives, cut anywhere; it answers the events
 * that are complete. Comments, ids and retry hints are passed over.
 */
export function createSseParser(): (chunk: string) => ServerSentEvent[] {
  let rest = ''
  return (chunk) => {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.flatMap(parseBlock)
  }
}

function parseBlock(block: string): ServerSentEvent[] {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim()
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
  }
  return data.length === 0 ? [] : [{ event, data: data.join('\n') }]
}
