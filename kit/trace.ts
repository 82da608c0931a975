import { randomUUID } from 'node:crypto'

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The W3C `traceparent` of the next hop: the caller's trace with a new span, or a new trace. */
export function nextTraceparent(incoming: string | string[] | undefined): string {
  const span = randomHex().slice(16)
  const known = typeof incoming === 'string' ? TRACEPARENT.exec(incoming)?.[1] : undefined
  return `00-${known ?? randomHex()}-${span}-01`
}

// From UUIDs, whose random bytes Node draws many at a time: randomBytes() costs a call of the generator each.
const randomHex = () => randomUUID().replaceAll('-', '')
