import { Readable } from 'node:stream'

/**
 * A JSON array as a stream, made page by page: reading a long list neither holds it in memory as a whole nor holds up
 * the requests in between. The rows are written as they are: they come from this service's own store.
 */
export const streamJsonArray = <Row>(pages: Iterable<Row[]>): Readable => Readable.from(jsonArray(pages))

function* jsonArray<Row>(pages: Iterable<Row[]>): Generator<string> {
  let opening = '['
  for (const page of pages) {
    yield opening + page.map((row) => JSON.stringify(row)).join(',')
    opening = ','
  }
  yield opening === '[' ? '[]' : ']'
}
