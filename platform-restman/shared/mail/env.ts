import { z } from 'zod'

/** The variables of everything that sends mail. */
export const smtpEnv = {
  SMTP_HOST: z.string().default('127.0.0.1').describe('The mail server'),
  SMTP_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(587)
    .describe('Its port; on 587 it must offer STARTTLS, on 465 TLS is spoken from the first byte'),
  SMTP_USERNAME: z.string().optional().describe('Name for the mail server, when it asks for one'),
  SMTP_PASSWORD: z.string().optional().describe('Password for the mail server'),
  SMTP_FROM: z.email().default('restman@example.com').describe('Address that mails come from'),
}

type SmtpEnv = z.output<z.ZodObject<typeof smtpEnv>>

/** Where mails go and who sends them, as the environment says. */
export const smtpOf = (env: SmtpEnv) => ({
  host: env.SMTP_HOST,
  port: env.SMTP_PORT,
  username: env.SMTP_USERNAME,
  password: env.SMTP_PASSWORD,
  from: env.SMTP_FROM,
})
export type Smtp = ReturnType<typeof smtpOf>
