import type { OrderUpdate } from '../order-stream.ts'

/** Reads `GET /orders/stream` from now on. Resolves once the stream is open, so nothing placed afterwards is missed. */
export async function readUpdates(
  orderUrl: string,
): Promise<{ updates: OrderUpdate[]; close: () => Promise<void> }> {
  const abort = new AbortController()
  const res = await fetch(`${orderUrl}/orders/stream`, { signal: abort.signal })
  if (!res.ok || !res.body) throw new Error(`GET /orders/stream answered ${res.status}`)
  const updates: OrderUpdate[] = []

  const reading = (async () => {
    let text = ''
    for await (const chunk of res.body!.pipeThrough(new TextDecoderStream())) {
      const events = (text + chunk).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data) updates.push(...(JSON.parse(data) as OrderUpdate[]))
      }
    }
  })().catch(() => {
    // Closed by us, or by the service: what was read until then stands.
  })

  return {
    updates,
    close: async () => {
      abort.abort()
      await reading
    },
  }
}
