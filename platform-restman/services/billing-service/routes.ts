import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { PageQuery, sendPage } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import type { Role } from '../../shared/identity/identity.ts'
import { Bill, type Bills } from './bills.ts'

const byBill = z.object({ bill_id: z.uuid() })
const byOrder = z.object({ order_id: z.uuid() })

export function billingRoutes({ bills, pump }: { bills: Bills; pump: () => void }): RoutePlugin {
  return async (app) => {
    const inBilling = (summary: string, ...others: Role[]) => ({
      summary,
      tags: ['billing'],
      ...access(['customer', 'owner', ...others], { own: 'bill' }),
    })

    app.get(
      '/api/billing/bills',
      {
        schema: {
          ...inBilling('My bills, and those of my restaurants; the oldest first'),
          querystring: PageQuery,
          response: { 200: z.array(Bill) },
        },
      },
      async (request, reply) =>
        sendPage(
          reply,
          '/api/billing/bills',
          request.query,
          await bills.list(identityOf(request), request.query),
        ),
    )
    app.get(
      '/api/billing/bills/:bill_id',
      { schema: { ...inBilling('One bill'), params: byBill, response: { 200: Bill } } },
      async (request) => {
        const { bill_id } = request.params
        return found(await bills.find(identityOf(request), bill_id), bill_id)
      },
    )
    app.get(
      '/api/billing/bills/order/:order_id',
      {
        schema: { ...inBilling('The bill of an order', 'service'), params: byOrder, response: { 200: Bill } },
      },
      async (request) => {
        const { order_id } = request.params
        return found(await bills.findByOrder(identityOf(request), order_id), order_id)
      },
    )
    app.post(
      '/api/billing/bills/:bill_id/pay',
      { schema: { ...inBilling('Pay a bill; twice is once'), params: byBill, response: { 200: Bill } } },
      async (request) => {
        const traceparent = request.headers.traceparent as string | undefined
        const bill = await bills.pay(identityOf(request), request.params.bill_id, traceparent)
        pump()
        return bill
      },
    )
  }
}

function found(bill: Bill | undefined, id: string): Bill {
  if (!bill) throw new LabError('LAB_NOT_FOUND', `There is no bill for ${id}`)
  return bill
}
