import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { pageEnv } from '@lab/kit/page.ts'
import { z } from 'zod'
import { LivePart } from '../wire/parts.ts'

const json = z.string().transform((text, ctx) => {
  try {
    return JSON.parse(text) as unknown
  } catch (err) {
    ctx.addIssue({ code: 'custom', message: messageOf(err) })
    return z.NEVER
  }
})

export const schema = z.object({
  ...serviceEnv(8400),
  ...pageEnv,
  LIVE_PARTS: json
    .pipe(z.array(LivePart))
    .default([])
    .describe(
      'The parts to look at, as a JSON list of `{name, style, services, servers, adminToken}`; `up` and the compose file set it',
    ),
  DESK_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of the audit trail of the dead-letter desk, which outlives every run; `results/desk` of the repository by default',
    ),
  LIVE_CONTROL: z
    .string()
    .optional()
    .describe(
      'Socket by which `up` stops and starts services and brokers for the page; without it the page cannot',
    ),
  LIVE_LAB: z
    .string()
    .optional()
    .describe('The repository, where the page may run experiments; without it there are none'),
  LIVE_RESULTS: z.string().default('results').describe('Folder of the runs that the page shows, and adds to'),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
