import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { sendPage } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import type { Role } from '../../shared/identity/identity.ts'
import { TicketStatus } from './steps.ts'
import { Ticket, TicketQuery, type Tickets } from './tickets.ts'

const Step = z
  .strictObject({ status: TicketStatus })
  .meta({ id: 'Step', examples: [{ status: 'PREPARING' }] })
const byTicket = z.object({ ticket_id: z.uuid() })
const byOrder = z.object({ order_id: z.uuid() })

export function kitchenRoutes({ tickets, pump }: { tickets: Tickets; pump: () => void }): RoutePlugin {
  return async (app) => {
    const inKitchen = (summary: string, ...others: Role[]) => ({
      summary,
      tags: ['kitchen'],
      ...access(['kitchen', 'owner', ...others], { own: 'ticket' }),
    })

    app.get(
      '/api/kitchen/tickets',
      {
        schema: {
          ...inKitchen('The tickets of my restaurants, the oldest first'),
          querystring: TicketQuery,
          response: { 200: z.array(Ticket) },
        },
      },
      async (request, reply) => {
        const { query } = request
        const { status, restaurant_id } = query
        const filter = new URLSearchParams({
          ...(status && { status }),
          ...(restaurant_id && { restaurant_id }),
        })
        const path = filter.size > 0 ? `/api/kitchen/tickets?${filter}` : '/api/kitchen/tickets'
        return sendPage(reply, path, query, await tickets.list(identityOf(request), query))
      },
    )
    app.get(
      '/api/kitchen/tickets/:ticket_id',
      { schema: { ...inKitchen('One ticket'), params: byTicket, response: { 200: Ticket } } },
      async (request) => {
        const { ticket_id } = request.params
        return found(await tickets.find(identityOf(request), ticket_id), ticket_id)
      },
    )
    app.get(
      '/api/kitchen/tickets/order/:order_id',
      {
        schema: {
          ...inKitchen('The ticket of an order', 'service'),
          params: byOrder,
          response: { 200: Ticket },
        },
      },
      async (request) => {
        const { order_id } = request.params
        return found(await tickets.findByOrder(identityOf(request), order_id), order_id)
      },
    )
    app.patch(
      '/api/kitchen/tickets/:ticket_id/status',
      {
        schema: {
          ...inKitchen('The next step of a ticket; at READY its customer gets a mail'),
          params: byTicket,
          body: Step,
          response: { 200: Ticket },
        },
      },
      async (request) => {
        const { params, body, headers } = request
        const traceparent = headers.traceparent as string | undefined
        const ticket = await tickets.move(identityOf(request), params.ticket_id, body.status, traceparent)
        pump()
        return ticket
      },
    )
  }
}

function found(ticket: Ticket | undefined, id: string): Ticket {
  if (!ticket) throw new LabError('LAB_NOT_FOUND', `There is no ticket for ${id}`)
  return ticket
}
