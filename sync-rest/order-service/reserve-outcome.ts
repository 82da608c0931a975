import { FailureReason } from '@lab/common/domain/order.ts'
import { z } from 'zod'
import type { Reply } from './upstream.ts'

export interface ReserveOutcome {
  status: 'reserved' | 'failed' | 'timeout'
  reason?: FailureReason
  /**
   * Whether the stock may have moved although the order is not reserved. Such an order has to be settled: its stock is
   * released until inventory has answered.
   */
  isUnknown: boolean
}

const Reserved = z.object({ status: z.literal('reserved') })
const Refused = z.object({ status: z.literal('failed'), reason: FailureReason })

/**
 * What an order becomes by the reply to `POST /reserve`. A refusal and a connection that was never made are certain;
 * a time-out, a broken connection and a 5xx may each hide a reservation that was made.
 */
export function reserveOutcome(reply: Reply): ReserveOutcome {
  switch (reply.kind) {
    case 'unreachable':
      return { status: 'failed', reason: 'inventory_unavailable', isUnknown: false }
    case 'broken':
      return { status: 'failed', reason: 'inventory_unavailable', isUnknown: true }
    case 'timeout':
      return { status: 'timeout', isUnknown: true }
    case 'answered':
      return answered(reply.status, reply.text)
  }
}

function answered(status: number, text: string): ReserveOutcome {
  if (status === 200 && Reserved.safeParse(parseJson(text)).success)
    return { status: 'reserved', isUnknown: false }
  const refused = status === 409 ? Refused.safeParse(parseJson(text)) : undefined
  if (refused?.success) return { status: 'failed', reason: refused.data.reason, isUnknown: false }
  // Any other 4xx was refused before it had an effect.
  return { status: 'failed', reason: 'inventory_error', isUnknown: status < 400 || status >= 500 }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, so not an answer of our inventory service: it fits neither schema.
    return undefined
  }
}
