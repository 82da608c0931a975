import { LabError } from '@lab/kit/errors.ts'
import { type Page, type PageQuery, pageOf } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { cursorColumn, readCursor } from '../../shared/db/cursor.ts'
import type { Db, Tx } from '../../shared/db/db.ts'
import { columnsOf, newsAmong } from '../../shared/db/outbox.ts'
import type { Bill as BillData, OrderEvent } from '../../shared/events/events.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import { fromCents } from '../../shared/wire/money.ts'
import { taxOf } from './tax.ts'

const Money = z.number().describe('At most two decimals')
export const Bill = z
  .object({
    bill_id: z.uuid(),
    order_id: z.uuid(),
    user_id: z.uuid(),
    restaurant_id: z.uuid(),
    subtotal: Money,
    tax: Money.describe('10 % of the subtotal, rounded half up'),
    total: Money,
    payment_status: z.enum(['unpaid', 'paid', 'cancelled']),
    created_at: z.iso.datetime(),
    paid_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Bill' })
export type Bill = z.infer<typeof Bill>

export interface BillChange {
  type: 'bill.created' | 'bill.paid' | 'bill.cancelled'
  bill: BillData
  traceparent?: string | undefined
}

export interface BillsDeps {
  db: Db
  /** In the transaction of every change: the whole bill, as it is now. */
  changed: (tx: Tx, ...changes: BillChange[]) => Promise<void>
  /** Whose inbox it is. */
  consumer: string
}

export type Bills = ReturnType<typeof createBills>

interface Row extends Omit<BillData, 'created_at' | 'paid_at'> {
  created_at: Date
  paid_at: Date | null
}

const COLUMNS = `bill_id, order_id, user_id, restaurant_id, owner_id, subtotal_cents, tax_cents, total_cents,
  payment_status, created_at, paid_at`

/** One bill for each order. */
export function createBills({ db, changed, consumer }: BillsDeps) {
  async function write(tx: Tx, events: Extract<OrderEvent, { type: 'order.placed' }>[]) {
    if (events.length === 0) return
    const orders = events.map(({ data }) => {
      const { total_cents: subtotal, ...order } = data
      return { ...order, subtotal, tax: taxOf(subtotal), total: subtotal + taxOf(subtotal) }
    })
    const rows = await tx.query<Row>(
      `insert into bills (order_id, user_id, restaurant_id, owner_id, subtotal_cents, tax_cents, total_cents)
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int8[], $6::int8[], $7::int8[])
       on conflict (order_id) do nothing returning ${COLUMNS}`,
      columnsOf(orders, 'order_id', 'user_id', 'restaurant_id', 'owner_id', 'subtotal', 'tax', 'total'),
    )
    const traces = new Map(events.map(({ subject, traceparent }) => [subject, traceparent]))
    const created = rows.map((row) => ({
      type: 'bill.created' as const,
      bill: dataOf(row),
      traceparent: traces.get(row.order_id),
    }))
    await changed(tx, ...created)
  }
  /** Nobody owes anything for an order that was cancelled; who has paid gets it back: `paid_at` stays. */
  async function cancel(tx: Tx, orderId: string, traceparent?: string): Promise<void> {
    const [row] = await tx.query<Row>(
      `update bills set payment_status = 'cancelled' where order_id = $1 and payment_status <> 'cancelled'
       returning ${COLUMNS}`,
      [orderId],
    )
    if (row) await changed(tx, { type: 'bill.cancelled', bill: dataOf(row), traceparent })
  }
  const one = async (tx: Tx, who: Identity, column: 'bill_id' | 'order_id', id: string) => {
    const [sees, values] = visibleTo(who)
    const [row] = await tx.query<Row>(
      `select ${COLUMNS} from bills where ${column} = $${values.length + 1} and ${sees}`,
      [...values, id],
    )
    return row && billOf(row)
  }

  return {
    /** All of a batch in one transaction; what was taken before has no effect. */
    async take(events: OrderEvent[]): Promise<void> {
      const some = events.filter(({ type, data }) => type === 'order.placed' || data.status === 'cancelled')
      if (some.length === 0) return
      await db.transaction(async (tx) => {
        const news = await newsAmong(tx, consumer, some)
        await write(
          tx,
          news.filter((event) => event.type === 'order.placed'),
        )
        for (const { type, subject, traceparent } of news)
          if (type === 'order.status_updated') await cancel(tx, subject, traceparent)
      })
    },
    find: (who: Identity, id: string) => one(db, who, 'bill_id', id),
    findByOrder: (who: Identity, orderId: string) => one(db, who, 'order_id', orderId),
    async list(who: Identity, { limit, cursor }: PageQuery): Promise<Page<Bill>> {
      const [sees, values] = visibleTo(who)
      const after = cursor === undefined ? [] : readCursor(cursor)
      const [at, id] = [values.length + 1, values.length + 2]
      const rows = await db.query<Row & { cursor: string }>(
        `select ${COLUMNS}, ${cursorColumn('bill_id')} from bills
         where ${sees} ${cursor === undefined ? '' : `and (created_at, bill_id) > ($${at}, $${id})`}
         order by created_at, bill_id limit ${limit + 1}`,
        [...values, ...after],
      )
      const { rows: shown, next } = pageOf(rows, limit, (last) => last.cursor)
      return { rows: shown.map(({ cursor: _, ...row }) => billOf(row)), next }
    },
    /** Compares and sets: however often it is paid, it is paid once. */
    pay: (who: Identity, id: string, traceparent?: string): Promise<Bill> =>
      db.transaction(async (tx) => {
        const bill = await one(tx, who, 'bill_id', id)
        if (!bill) throw new LabError('LAB_NOT_FOUND', `Bill ${id} does not exist`)
        if (bill.payment_status === 'paid') return bill
        const [row] = await tx.query<Row>(
          `update bills set payment_status = 'paid', paid_at = now() where bill_id = $1 and payment_status = 'unpaid'
           returning ${COLUMNS}`,
          [id],
        )
        if (!row) throw new LabError('LAB_CONFLICT', 'The order of this bill was cancelled')
        await changed(tx, { type: 'bill.paid', bill: dataOf(row), traceparent })
        return billOf(row)
      }),
  }
}

/** Whoever ordered sees the bill, and the owner of the restaurant. */
function visibleTo({ role, user_id }: Identity): [condition: string, values: unknown[]] {
  if (role === 'admin' || role === 'service') return ['true', []]
  return ['(user_id = $1 or owner_id = $1)', [user_id]]
}

const dataOf = ({ created_at, paid_at, ...row }: Row): BillData => ({
  ...row,
  created_at: created_at.toISOString(),
  paid_at: paid_at?.toISOString() ?? null,
})

function billOf(row: Row): Bill {
  const { subtotal_cents, tax_cents, total_cents, owner_id: _, ...rest } = dataOf(row)
  return {
    ...rest,
    subtotal: fromCents(subtotal_cents),
    tax: fromCents(tax_cents),
    total: fromCents(total_cents),
  }
}
