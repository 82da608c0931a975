const NAME = '"traceparent":"'
const VALUE = /^[0-9a-f-]{55}$/
const LOOKED_AT = 4_096

/**
 * Found in the body of an event, not parsed: this is asked of every message that passes by. Nor is it cut out of a longer
 * text, which would then be remembered with it.
 */
export function traceparentIn(body: Buffer | null): string | undefined {
  const at = body?.subarray(0, LOOKED_AT).indexOf(NAME) ?? -1
  if (at < 0) return undefined
  const from = at + NAME.length
  const value = body!.toString('latin1', from, from + 55)
  return VALUE.test(value) && body![from + 55] === 0x22 ? value : undefined
}
