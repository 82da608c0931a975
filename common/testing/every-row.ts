import type { Page, PageQuery } from '@lab/kit/paging.ts'

/** All rows of a list, page after page. */
export function everyRow<Row>({ page }: { page: (query: PageQuery) => Page<Row> }, limit = 2): Row[] {
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const one = page({ limit, cursor })
    rows.push(...one.rows)
    cursor = one.next
  } while (cursor !== undefined)
  return rows
}
