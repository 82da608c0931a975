import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { AuditEntry, Letter, LetterDetail, LetterList, Redrive, Verdict } from '../../wire/desk.ts'
import { type Audit, original } from './audit.ts'
import { type DeadLetter, detailOf, summaryOf, verdictOf } from './letter.ts'
import type { Place } from './place.ts'
import { newRedrive, type RedriveOrder, runRedrive } from './redrive.ts'

/** Of each part; the rest is counted. */
export const LISTED = 500
const REMEMBERED = 20

export interface DeskPlace extends Place {
  orderUrl: string
}

export interface DeskDeps {
  places: readonly DeskPlace[]
  audit: Audit
  /** Called with a redrive whenever it has changed. */
  onChange?: (redrive: Redrive) => void
}

export interface Desk {
  list: (options?: { part?: string | undefined; limit?: number }) => Promise<LetterList>
  count: () => Promise<LetterList['total']>
  show: (id: string) => Promise<LetterDetail>
  /** What the consumer that gave a letter up would say of this body in its place. */
  verdict: (id: string, body: string) => Promise<Verdict>
  /** Begins a redrive of letters of one part, which then goes on by itself; `ended` resolves with it. */
  redrive: (
    order: RedriveOrder,
    signal?: AbortSignal,
  ) => Promise<{ redrive: Redrive; ended: Promise<Redrive> }>
  /** Stops it behind the batch that is out. */
  stop: (id: string) => Redrive
  redrives: () => Redrive[]
  /** For good; the audit keeps each letter whole. Answers which were there. */
  discard: (order: {
    letters: readonly string[]
    why: string
    by: string
  }) => Promise<{ discarded: string[]; gone: string[] }>
  audit: () => AuditEntry[]
}

/** One desk for the dead letters of all parts that have any. */
export function openDesk({ places, audit, onChange = () => {} }: DeskDeps): Desk {
  const redrives: { redrive: Redrive; stop: AbortController }[] = []

  const list: Desk['list'] = async ({ part, limit = LISTED } = {}) => {
    const found: LetterList = { letters: [], total: {}, trouble: {} }
    const asked = places.filter((place) => part === undefined || place.part === part)
    await Promise.all(
      asked.map(async (place) => {
        const letters: Letter[] = []
        try {
          found.total[place.part] = await place.look((letter) => void letters.push(summaryOf(letter)), limit)
          found.letters.push(...letters)
        } catch (err) {
          found.trouble[place.part] = messageOf(err)
        }
      }),
    )
    return found
  }

  const find = async (id: string): Promise<{ place: DeskPlace; letter: DeadLetter }> => {
    const troubles: string[] = []
    for (const place of places) {
      let found: DeadLetter | undefined
      try {
        await place.look((letter) => {
          if (letter.id === id) found = letter
          return found !== undefined
        })
      } catch (err) {
        troubles.push(`${place.part}: ${messageOf(err)}`)
      }
      if (found) return { place, letter: found }
    }
    if (troubles.length > 0)
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', troubles.join('; '), { retryable: true })
    throw new LabError(
      'LAB_NOT_FOUND',
      `There is no dead letter '${id.slice(0, 40)}': it was dealt with, or never was`,
    )
  }

  const refuseTwice = (letters: readonly string[]) => {
    const busy = letters.find((id) =>
      redrives.some(
        ({ redrive }) => redrive.state === 'running' && redrive.steps.some(({ letter }) => letter === id),
      ),
    )
    if (busy === undefined) return
    throw new LabError(
      'LAB_CONFLICT',
      `A redrive of letter '${busy.slice(0, 40)}' is under way: nothing was begun`,
    )
  }

  const placeOf = async (letters: readonly string[]): Promise<DeskPlace> => {
    refuseTwice(letters)
    // A letter may have gone since it was chosen; then another one says where they were.
    for (const id of letters) {
      const found = await find(id).catch((err) => {
        if (err instanceof LabError && err.code === 'LAB_NOT_FOUND') return undefined
        throw err
      })
      if (found) return found.place
    }
    throw new LabError(
      'LAB_NOT_FOUND',
      `None of the ${letters.length} letters is there any more: nothing was begun`,
    )
  }

  return {
    list,
    count: async () => {
      const counted = places.map(
        async ({ part, count }) => [part, await count().catch(() => undefined)] as const,
      )
      return Object.fromEntries(await Promise.all(counted))
    },
    show: async (id) => {
      const { place, letter } = await find(id)
      const detail = detailOf(letter)
      const order = await orderOf(place.orderUrl, detail.order_id)
      return { ...detail, ...(order !== undefined && { order }) }
    },
    verdict: async (id, body) => verdictOf(body, (await find(id)).letter.origin),
    redrive: async (order, signal) => {
      if (order.edited !== undefined && order.letters.length !== 1)
        throw new LabError(
          'LAB_REQUEST_INVALID',
          `edited: is for one letter, not for ${order.letters.length}`,
        )
      const place = await placeOf(order.letters)
      if (order.edited !== undefined) {
        const verdict = verdictOf(order.edited, (await find(order.letters[0]!)).letter.origin)
        if (!verdict.ok) throw new LabError('LAB_REQUEST_INVALID', `edited: ${verdict.problems.join('; ')}`)
      }
      // Another click may have come while the letters were looked for.
      refuseTwice(order.letters)
      const redrive = newRedrive(place.part, order)
      const stop = new AbortController()
      redrives.unshift({ redrive, stop })
      redrives.splice(REMEMBERED)
      const signals = AbortSignal.any([stop.signal, ...(signal ? [signal] : [])])
      const ended = runRedrive(redrive, order, { place, audit, onChange, signal: signals }).then(
        () => redrive,
      )
      onChange(redrive)
      return { redrive, ended }
    },
    stop: (id) => {
      const found = redrives.find(({ redrive }) => redrive.id === id)
      if (!found) throw new LabError('LAB_NOT_FOUND', `There is no redrive '${id.slice(0, 40)}'`)
      found.stop.abort()
      return found.redrive
    },
    redrives: () => redrives.map(({ redrive }) => redrive),
    discard: async ({ letters, why, by }) => {
      const place = await placeOf(letters)
      await using work = await place.open()
      const discarded: string[] = []
      await work.take(new Set(letters), async (letter) => {
        const { id, part, messageId } = letter
        const message = messageId === undefined ? {} : { message_id: messageId }
        audit.write({
          by,
          action: 'discarded',
          part,
          letter: id,
          ...message,
          why,
          original: original(letter),
        })
        discarded.push(id)
        return true
      })
      return { discarded, gone: letters.filter((id) => !discarded.includes(id)) }
    },
    audit: audit.recent,
  }
}

/** Null when the order service does not know it; undefined when it does not say. */
async function orderOf(orderUrl: string, order_id: string | undefined): Promise<LetterDetail['order']> {
  if (order_id === undefined) return undefined
  try {
    const response = await fetch(new URL(`/orders/${encodeURIComponent(order_id)}`, orderUrl), {
      signal: AbortSignal.timeout(2_000),
    })
    if (response.status === 404) return null
    const { status, reason } = (await response.json()) as { status: string; reason?: string }
    return response.ok ? { status, ...(reason !== undefined && { reason }) } : undefined
  } catch {
    return undefined // not answered, which is not the same as not known
  }
}
