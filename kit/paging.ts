import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { LabError } from './errors.ts'

export const MAX_PAGE = 1_000

/** The query of a list. A list of up to 1,000 is one page, so a plain GET is all of it. */
export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE).describe('Most entries of a page'),
  cursor: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe(
      'Where the page begins, from the `Link` header of the page before; without it at the oldest entry',
    ),
})
export type PageQuery = z.infer<typeof PageQuery>

export interface Page<Row> {
  /** Oldest first. */
  rows: Row[]
  /** The cursor of the page that follows; undefined when there is none now. */
  next: string | undefined
}

/** What `rows`, one more than asked for, come to: the extra one tells that there is a next page, which begins after the last. */
export function pageOf<Row>(rows: Row[], limit: number, cursorOf: (last: Row) => string): Page<Row> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { rows: shown, next: last === undefined || rows.length <= limit ? undefined : cursorOf(last) }
}

/** The address of the next page in a `Link` header. */
export const nextIn = (link: string | null | undefined): string | undefined =>
  /<([^>]*)>; *rel="next"/.exec(link ?? '')?.[1]

export const unknownCursor = (cursor: string) =>
  new LabError(
    'LAB_REQUEST_INVALID',
    `cursor: '${cursor}' is of no page of this list; begin again without it`,
    {
      errors: [
        { field: 'cursor', message: 'is of no page of this list; begin again without it', value: cursor },
      ],
    },
  )

/**
 * Answers a page as an array; `path` may have a query of its own. Where there is more, `Link: <…>; rel="next"` (RFC 8288) has
 * the address of the next one. The rows are written as they are: they come from this service's own store.
 */
export function sendPage<Row>(
  reply: FastifyReply,
  path: string,
  { limit }: PageQuery,
  { rows, next }: Page<Row>,
) {
  if (next !== undefined) {
    const query = `${path.includes('?') ? '&' : '?'}limit=${limit}&cursor=${encodeURIComponent(next)}`
    reply.header('link', `<${path}${query}>; rel="next"`)
  }
  return reply
    .type('application/json')
    .serializer(JSON.stringify)
    .send(rows as never)
}
