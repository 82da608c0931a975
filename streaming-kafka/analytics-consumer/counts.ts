export interface Counts {
  orders: number
  reserved: number
  failed: number
}
export type Counted = keyof Counts

export const noCounts = (): Counts => ({ orders: 0, reserved: 0, failed: 0 })

/** Failed among the decided, 0 when nothing is decided yet. */
export const failureRate = ({ reserved, failed }: Counts): number =>
  reserved + failed === 0 ? 0 : failed / (reserved + failed)
