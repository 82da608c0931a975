import { z } from 'zod'
import type { OrderStatus } from '../../shared/events/events.ts'

export const TicketStatus = z.enum(['PENDING', 'PREPARING', 'READY', 'DELIVERED', 'CANCELLED'])
export type TicketStatus = z.infer<typeof TicketStatus>

/** Where a ticket may come from; one step at a time. */
export const COMES_FROM: Record<TicketStatus, TicketStatus[]> = {
  PENDING: [],
  PREPARING: ['PENDING'],
  READY: ['PREPARING'],
  DELIVERED: ['READY'],
  CANCELLED: ['PENDING', 'PREPARING'],
}

/** What the status of a ticket is for the order. */
export const ORDER_STATUS: Record<TicketStatus, OrderStatus> = {
  PENDING: 'placed',
  PREPARING: 'preparing',
  READY: 'ready',
  DELIVERED: 'delivered',
  CANCELLED: 'cancelled',
}
