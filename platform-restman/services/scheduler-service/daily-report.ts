import type { ClosedDay } from './close-days.ts'

const money = (cents: number) => (cents / 100).toFixed(2)

/** The text of the mail. */
export function dailyReport(day: string, restaurants: ClosedDay[]): { subject: string; text: string } {
  const sum = (of: (one: ClosedDay) => number) => restaurants.reduce((total, one) => total + of(one), 0)
  const lines = (title: string, of: (read: (one: ClosedDay) => number) => number) => [
    title,
    `  orders     ${of((one) => one.order_count)}`,
    `  cancelled  ${of((one) => one.cancelled_count)}`,
    `  still open ${of((one) => one.open_count)}`,
    `  of earlier days, come late ${of((one) => one.late_count)}`,
    `  billed     ${money(of((one) => one.total_cents))}, of which tax ${money(of((one) => one.tax_cents))}`,
    `  paid       ${money(of((one) => one.paid_cents))}`,
    '',
  ]
  return {
    subject: `RestMan, ${day}: ${sum((one) => one.order_count)} orders, ${money(sum((one) => one.total_cents))} billed`,
    text: [
      ...lines(`${day}, all restaurants`, sum),
      ...restaurants.flatMap((one) => lines(`Restaurant ${one.restaurant_id}`, (read) => read(one))),
    ].join('\n'),
  }
}
