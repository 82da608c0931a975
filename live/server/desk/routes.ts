import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'
import type { LivePart } from '../../wire/parts.ts'
import type { Recorder } from '../recorder.ts'
import { openAudit } from './audit.ts'
import { type Desk, LISTED, openDesk } from './desk.ts'
import { placesOf } from './places.ts'

const LETTERS_AT_ONCE = 1_000
/** An event of 64 KiB with every character escaped, and a long selection. */
const BODY_BYTES = 512 * 1024
const BY = 'page'

const Id = z.string().min(1).max(64)
const Letters = z
  .array(Id)
  .min(1)
  .max(LETTERS_AT_ONCE)
  .describe('Ids, at most 1,000: what they are now is what is meant')
const Id64 = z.strictObject({ id: Id })

const RedriveRequest = z.strictObject({
  letters: Letters,
  mode: z
    .enum(['new-id', 'unchanged'])
    .default('new-id')
    .describe('Under a new message id that names the old one, or byte for byte'),
  edited: z
    .string()
    .max(64 * 1024)
    .optional()
    .describe('In the place of the body, for one letter'),
  batch: z
    .int()
    .min(1)
    .max(LETTERS_AT_ONCE)
    .optional()
    .describe('Letters a batch; by default 1, 2, 5, 10, 20, 50, 100, …'),
  per_second: z.number().min(0.1).max(1_000).default(50),
  timeout_seconds: z
    .number()
    .min(1)
    .max(3_600)
    .default(30)
    .describe('How long a batch may take to be heard of'),
})
const Discard = z.strictObject({
  letters: Letters,
  why: z.string().trim().min(3).max(500).describe('Kept in the audit trail'),
})
const Verdict = z.object({ ok: z.boolean(), problems: z.array(z.string()) })

export interface DeskRoutesDeps {
  parts: readonly LivePart[]
  recorder: Recorder
  /** Where the audit trail is. */
  folder: string
}

/** Shapes are those of `wire/desk.ts`; answers are written as they are. */
const anything = { 200: z.any() }

/** The dead-letter desk. Reading is for everybody who may read; whatever changes something is below `/admin`. */
export function deskRoutes({ parts, recorder, folder }: DeskRoutesDeps): RoutePlugin {
  let opened: Desk | undefined
  const desk = (): Desk => {
    if (opened) return opened
    const audit = openAudit(folder)
    opened = openDesk({
      places: placesOf(parts, audit),
      audit,
      onChange: (redrive) => recorder.publish('desk', structuredClone(redrive)),
    })
    return opened
  }
  const stop = new AbortController()

  return async (app) => {
    const tags = ['desk']
    app.get(
      '/api/desk/letters',
      {
        schema: {
          summary: 'The dead letters of all parts, without consuming any',
          tags,
          querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(5_000).default(LISTED) }),
          response: anything,
        },
      },
      async ({ query }) => desk().list({ limit: query.limit }),
    )
    app.get(
      '/api/desk/count',
      { schema: { summary: 'How many there are, by part', tags, response: anything } },
      async () => desk().count(),
    )
    app.get(
      '/api/desk/letters/:id',
      { schema: { summary: 'One, whole', tags, params: Id64, response: { ...anything, 404: Problem } } },
      async ({ params }) => desk().show(params.id),
    )
    app.get(
      '/api/desk/redrives',
      { schema: { summary: 'The last redrives', tags, response: anything } },
      async () => desk().redrives(),
    )
    app.get(
      '/api/desk/audit',
      { schema: { summary: 'What was done, the newest first', tags, response: anything } },
      async () => desk().audit(),
    )

    app.post(
      '/admin/desk/verdict',
      {
        bodyLimit: BODY_BYTES,
        schema: {
          summary: 'What the consumer that gave a letter up would say of another body',
          tags,
          body: z.strictObject({ letter: Id, body: z.string() }),
          response: { 200: Verdict, 404: Problem },
        },
      },
      async ({ body }) => desk().verdict(body.letter, body.body),
    )
    app.post(
      '/admin/desk/redrives',
      {
        bodyLimit: BODY_BYTES,
        schema: {
          summary: 'Send letters back to where they came from; progress is on the stream',
          tags,
          body: RedriveRequest,
          response: { 202: z.any(), 400: Problem, 404: Problem, 409: Problem },
        },
      },
      async ({ body, log }, reply) => {
        const { letters, mode, edited, batch, per_second, timeout_seconds } = body
        const order = {
          letters,
          mode,
          edited,
          batch,
          perSecond: per_second,
          timeoutMs: timeout_seconds * 1_000,
          by: BY,
        }
        const { redrive } = await desk().redrive(order, stop.signal)
        log.warn({ redrive: redrive.id, letters: letters.length, mode }, 'redrive begun')
        return reply.code(202).send(redrive)
      },
    )
    app.delete(
      '/admin/desk/redrives/:id',
      {
        schema: {
          summary: 'Stop a redrive behind the batch that is out',
          tags,
          params: Id64,
          response: { ...anything, 404: Problem },
        },
      },
      async ({ params }) => desk().stop(params.id),
    )
    app.post(
      '/admin/desk/discards',
      {
        bodyLimit: BODY_BYTES,
        schema: {
          summary: 'Discard letters for good; the audit keeps each whole',
          tags,
          body: Discard,
          response: { ...anything, 404: Problem, 409: Problem },
        },
      },
      async ({ body, log }) => {
        log.warn({ letters: body.letters.length, why: body.why }, 'dead letters discarded')
        return desk().discard({ ...body, by: BY })
      },
    )
    app.addHook('preClose', async () => stop.abort())
  }
}
