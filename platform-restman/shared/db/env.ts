import { z } from 'zod'

/** The variables of every service that has a database. */
export const dbEnv = {
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .default('postgresql://root@localhost:26257/defaultdb?sslmode=disable')
    .describe('The database of this service, PostgreSQL or CockroachDB'),
  DATABASE_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(10)
    .describe('Most connections to the database'),
  SKIP_MIGRATIONS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('`true` where somebody else brings the tables up to date'),
}
