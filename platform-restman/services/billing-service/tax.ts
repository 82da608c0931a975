const TAX_PERCENT = 10

/** Ten percent of the whole bill, rounded once, half up. In cents, of which no fraction is ever kept. */
export const taxOf = (subtotalCents: number): number => Math.floor((subtotalCents * TAX_PERCENT + 50) / 100)
