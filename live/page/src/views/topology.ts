import type { RabbitView } from '../../../wire/views.ts'

export interface Drawn {
  width: number
  height: number
  boxes: {
    id: string
    kind: 'exchange' | 'queue'
    text: string
    note: string
    x: number
    y: number
    width: number
  }[]
  lines: { id: string; path: string; text: string; x: number; y: number }[]
}

const ROW = 46
const WIDTH = 760
const BOX = 220

/** Exchanges on the left, queues on the right, each binding a line between them: rows in the order in which they are bound. */
export function drawTopology({
  exchanges,
  bindings,
  queues,
}: Pick<RabbitView, 'exchanges' | 'bindings' | 'queues'>): Drawn {
  const bound = exchanges.flatMap(({ name }) => bindings.filter(({ exchange }) => exchange === name))
  const inOrder = [...new Set([...bound.map(({ queue }) => queue), ...queues.map(({ name }) => name)])]
  const rowOf = new Map(inOrder.map((name, row) => [name, row]))
  const middle = (row: number) => row * ROW + ROW / 2
  const right = WIDTH - BOX
  // An exchange stands beside the middle of its queues, and below the one before it.
  let free = 0
  const exchangeRow = new Map<string, number>()
  for (const { name } of exchanges) {
    const rows = bound.filter(({ exchange }) => exchange === name).map(({ queue }) => rowOf.get(queue)!)
    const centre = rows.length > 0 ? (Math.min(...rows) + Math.max(...rows)) / 2 : free
    const row = Math.max(free, centre)
    exchangeRow.set(name, row)
    free = row + 1
  }
  return {
    width: WIDTH,
    height: Math.max(free, inOrder.length) * ROW,
    boxes: [
      ...exchanges.map(({ name, type }) => ({
        id: `exchange ${name}`,
        kind: 'exchange' as const,
        text: name,
        note: type,
        x: 0,
        y: middle(exchangeRow.get(name)!),
        width: BOX,
      })),
      ...inOrder.map((name) => {
        const queue = queues.find((one) => one.name === name)
        return {
          id: `queue ${name}`,
          kind: 'queue' as const,
          text: name,
          note: queue ? `${queue.type}, ${queue.ready ?? '?'} waiting` : '',
          x: right,
          y: middle(rowOf.get(name)!),
          width: BOX,
        }
      }),
    ],
    lines: bound.map(({ exchange, key, queue }) => {
      const [from, to] = [middle(exchangeRow.get(exchange)!), middle(rowOf.get(queue)!)]
      const bend = (right - BOX) / 2
      return {
        id: `${exchange} ${key} ${queue}`,
        path: `M${BOX} ${from}C${BOX + bend} ${from} ${right - bend} ${to} ${right} ${to}`,
        text: key,
        x: right - 8,
        y: to - 5,
      }
    }),
  }
}
