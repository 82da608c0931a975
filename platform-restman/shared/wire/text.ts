import { z } from 'zod'

/**
 * What people write in a field: trimmed, not empty, of one line. No control characters: a line break would be a header of a
 * mail, a NUL no database text, and some turn the text around them. Everything else is a text like another, quotes and tags
 * too.
 */
export const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u, 'must have no control characters')

/** The same, and none for somebody who leaves it out. */
export const optionalText = (max: number) => z.union([z.literal(''), text(max)]).default('')

/** One spelling for one mailbox, as far as can be told. */
export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email())
