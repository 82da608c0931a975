/** What the load process is asked for: one round of orders. */
export type LoadRequest =
  /** `POST /order`, each connection sending the next order when its last one was answered. */
  | { kind: 'place'; url: string; count: number; connections: number }
  /** `POST /orders/bulk` in requests of `chunk` orders, one after the other. */
  | { kind: 'bulk'; url: string; count: number; chunk: number }

export interface LoadReport {
  kind: 'report'
  /** Orders by the status of their answer. Those of a bulk carry the status of its answer. */
  statuses: Record<string, number>
  /** Orders whose exchange did not finish, or that a bulk could not say anything about: they may exist. */
  unknown: number
  /** Orders the service took: answered 2xx. */
  accepted: number
  /** Ids of all orders that were answered; a bulk answers none. */
  order_ids: string[]
  elapsedMs: number
}

/** What the load process says: how far it is, the end of a round, or why it could not go on. */
export type LoadMessage =
  | { kind: 'ready' }
  | { kind: 'progress'; answered: number }
  | { kind: 'failed'; message: string }
  | LoadReport
