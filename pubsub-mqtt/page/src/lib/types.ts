import type { FoodEvent, KitchenOrder, KitchenPresence, Order, TableState } from '../../../mqtt/schemas.ts'

export type { Table } from '../../../mqtt/topics.ts'
export type { FoodEvent, KitchenOrder, KitchenPresence, Order, TableState }

/** How many finished orders a state lists; `RECENT` of the wire, whose file would bring its validator along. */
export const RECENT = 50
/** Longest name of a food. */
export const MAX_FOOD = 100

/*
 * What comes over the wire is checked by hand: anybody may publish on a broker for development, and a validator library
 * would be a tenth of the page. Each answers undefined for what is not of its kind.
 */

export function readState(text: string): TableState | undefined {
  const value = parse(text)
  if (!value || !counts(value, 'epoch', 'seq', 'finished', 'table')) return undefined
  if (!Array.isArray(value.orders) || !value.orders.every(isKitchenOrder)) return undefined
  if (!Array.isArray(value.errors) || !value.errors.every(isWireError)) return undefined
  return value as unknown as TableState
}

export function readFood(text: string): FoodEvent | undefined {
  const value = parse(text)
  if (!value || !texts(value, 'orderId', 'food')) return undefined
  if (value.status !== 'ready' && value.status !== 'error') return undefined
  return optional(value) ? (value as unknown as FoodEvent) : undefined
}

export function readPresence(text: string): KitchenPresence | undefined {
  const value = parse(text)
  if (!value || (value.status !== 'online' && value.status !== 'offline')) return undefined
  return value as unknown as KitchenPresence
}

type Fields = Record<string, unknown>

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined // not JSON: not of any kind
  }
}

const STATUSES = ['waiting', 'cooking', 'ready', 'error']

const isKitchenOrder = (value: unknown): boolean =>
  isFields(value) &&
  texts(value, 'orderId', 'food') &&
  isTime(value.ts) &&
  STATUSES.includes(value.status as string) &&
  optional(value)

const isWireError = (value: unknown): boolean =>
  isFields(value) && texts(value, 'orderId', 'food', 'error') && isTime(value.ts)

const optional = ({ prepMs, error }: Fields): boolean =>
  (prepMs === undefined || typeof prepMs === 'number') && (error === undefined || typeof error === 'string')

/** Beyond this there is no date, and asking for one throws. */
const LATEST = 8.64e15
const isTime = (value: unknown) => typeof value === 'number' && value >= 0 && value <= LATEST
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const texts = (value: Fields, ...names: string[]) => names.every((name) => typeof value[name] === 'string')
const counts = (value: Fields, ...names: string[]) => names.every((name) => Number.isSafeInteger(value[name]))
