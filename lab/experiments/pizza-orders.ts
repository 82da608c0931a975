import { request } from 'undici'

interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: what the platform says, as its document has it
  body: any
}

export async function post(url: string, body?: object): Promise<Answer> {
  const { statusCode, body: answer } = await request(url, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    bodyTimeout: 30_000,
    headersTimeout: 30_000,
  })
  return { status: statusCode, body: await answer.json() }
}

/** Three bytes a letter: what a slow subscriber has to take. */
const long = (letters: number) => '€'.repeat(letters)

const LONG_NAMES = { supplier_name: long(90), pizza_name: long(90), supplier_price: 9.9 }

/** Offers a pizza, with long names unless told; gives its id. */
export async function offerPizza(url: string, pizza: object = LONG_NAMES): Promise<string> {
  const { status, body } = await post(`${url}/api/orders`, pizza)
  if (status !== 201) throw new Error(`an offer was answered with ${status}`)
  return body.id as string
}

/** At least so many, fifty at once. */
export async function offerPizzas(url: string, count: number, pizza?: object): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count)
    ids.push(...(await Promise.all(Array.from({ length: 50 }, () => offerPizza(url, pizza)))))
  return ids
}

export type Step = readonly [event_type: string, data?: object]

export const LONG_STEPS: readonly Step[] = [
  ['order.supplier_accepted', { notes: long(500), estimated_time: 20 }],
  ['order.customer_accepted', { customer_name: long(90), delivery_address: long(300) }],
  ['order.preparing'],
  ['order.ready'],
]

/** Publishes one event of each order, a hundred at once. */
export async function stepAll(url: string, ids: readonly string[], [event_type, data]: Step): Promise<void> {
  for (let at = 0; at < ids.length; at += 100) {
    const some = ids.slice(at, at + 100)
    const events = some.map((order_id) => ({ event_type, order_id, ...(data && { data }) }))
    const { status } = await post(`${url}/api/events/batch`, { events })
    if (status !== 200) throw new Error(`a batch was answered with ${status}`)
  }
}
