import { unknownCursor } from '@lab/kit/paging.ts'

/** A column that names the place of a row in a list by age: where the next page begins. */
export const cursorColumn = (key: string) => `created_at::text || '_' || ${key}::text as cursor`

const CURSOR =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00(?::00)?)_([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/

/** The `(created_at, <key>)` after which a page begins. */
export function readCursor(cursor: string): [at: string, id: string] {
  const [, at, id] = CURSOR.exec(cursor) ?? []
  if (at === undefined || id === undefined || Number.isNaN(Date.parse(at))) throw unknownCursor(cursor)
  return [at, id]
}
