const TRACEPARENT = /"traceparent":"([0-9a-f-]{55})"/
const LOOKED_AT = 4_096

/** Found in the body of an event, not parsed: this is asked of every message that passes by. */
export const traceparentIn = (body: Buffer | null): string | undefined =>
  body ? TRACEPARENT.exec(body.toString('latin1', 0, Math.min(body.length, LOOKED_AT)))?.[1] : undefined
