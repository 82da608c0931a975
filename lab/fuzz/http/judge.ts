import { z } from 'zod'
import { compile, type Fits, type Schema } from '../json.ts'
import type { Complaint } from '../results.ts'
import type { Bodies, Route } from './document.ts'
import { type Answer, type HttpCase, jsonOf, type Received } from './exchange.ts'

const Problem = z.object({
  type: z.string().min(1),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  instance: z.string(),
  code: z.string().regex(/^LAB_/),
  errors: z.array(z.object({ field: z.string().min(1), message: z.string().min(1) })).optional(),
})

/** Of these a client can be told which part of its request it was. */
const NAMES_A_FIELD = new Set([400, 413, 414, 415, 431])
/** A well-formed request is never told this. */
const NOT_FOR_GOOD = new Set([400, 405, 411, 413, 414, 415, 417, 431])
/** An answer that is checked against the document only up to here: long lists are the same row again and again. */
const MAX_CHECKED = 64 * 1024
const LEAK = /\n\s+at |node_modules|node:internal|\.ts:\d+|amqp:\/\/|SQLITE_/

/** Judges answers of one route, each by what it was the answer to. `route` is undefined where none is meant. */
export function createJudge(route: Route | undefined): (request: HttpCase, answer: Answer) => Complaint[] {
  const documented: Documented = new Map()
  const fitsOf = (schema: Schema | undefined) => schema && compile(schema, route!.components)
  for (const [status, { outcome, problem }] of route?.responses ?? [])
    documented.set(status, { outcome: fitsOf(outcome), problem: fitsOf(problem) })

  return (request, answer) => {
    if (answer.error !== undefined) return withoutAnswer(request, answer.error)
    const { status } = answer
    if (LEAK.test(answer.text) && status >= 400) return [complaint('an answer shows the inside', answer)]
    if (status >= 500) return isPromised(answer, documented) ? [] : [complaint(`status ${status}`, answer)]
    const wrong =
      status >= 400 ? wrongProblem(request, answer, documented) : wrongSuccess(request, answer, documented)
    return [...wrong, ...wrongVerdict(request, answer, documented), ...undeclared(request, answer, route)]
  }
}

/** A body that is too large is refused before it is read: the connection may close while the client still writes. */
function withoutAnswer({ raw, body, headers }: HttpCase, error: string): Complaint[] {
  const size = (body?.length ?? 0) + headers.flat().join('').length
  if (raw || (size > 12 * 1024 && /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(error))) return []
  return [{ rule: 'no answer', detail: error }]
}

type Documented = Map<number, Bodies<Fits>>

const isProblem = ({ contentType }: Received) => contentType.startsWith('application/problem+json')

function isPromised(answer: Received, documented: Documented): boolean {
  const fits = documented.get(503)?.[isProblem(answer) ? 'problem' : 'outcome']
  return answer.status === 503 && fits?.(jsonOf(answer)) === true
}

function wrongProblem(request: HttpCase, answer: Received, documented: Documented): Complaint[] {
  // What is no HTTP is refused by Node's parser, before there is a service to write a document.
  if (request.method === 'HEAD' || request.raw) return []
  const { status } = answer
  const body = jsonOf(answer)
  if (!isProblem(answer)) {
    const isOutcome = documented.get(status)?.outcome?.(body) === true
    return isOutcome ? [] : [complaint(`a ${status} is no problem document`, answer)]
  }
  const problem = Problem.safeParse(body)
  if (!problem.success) return [complaint(`a ${status} is an incomplete problem document`, answer)]
  if (problem.data.status !== status) return [complaint('a problem document has another status', answer)]
  // What Node's parser gives up on has no URL yet, and no fields.
  const { errors = [], detail, instance } = problem.data
  const isNamed = errors.length > 0 || /^[\w.-]+: /.test(detail) || instance === 'about:blank'
  if (NAMES_A_FIELD.has(status) && !isNamed) return [complaint(`a ${status} names no field`, answer)]
  return []
}

function wrongSuccess({ method }: HttpCase, answer: Received, documented: Documented): Complaint[] {
  const fits = documented.get(answer.status)?.outcome
  if (!fits || method === 'HEAD' || answer.text.length > MAX_CHECKED) return []
  const isText = !answer.contentType.includes('json')
  return isText || fits(jsonOf(answer)) ? [] : [complaint(`a ${answer.status} is not as documented`, answer)]
}

function wrongVerdict({ expected }: HttpCase, answer: Received, documented: Documented): Complaint[] {
  const { status } = answer
  const isUnfit = NOT_FOR_GOOD.has(status) || (status === 404 && !documented.has(404))
  if (expected === 'accepted' && isUnfit) return [complaint('a good request is refused', answer)]
  if (expected === 'refused' && (status < 400 || hasOutcome(answer)))
    return [complaint('a bad request is carried out', answer)]
  return []
}

/** What a request to this very route is answered stands in its document. A path of a parameter may be another route's. */
function undeclared(
  { expected, method, raw, path }: HttpCase,
  answer: Received,
  route: Route | undefined,
): Complaint[] {
  const isOfRoute = route && !raw && method === route.method && path.split('?', 1)[0] === route.path
  if (!isOfRoute || expected === 'either' || route.responses.has(answer.status)) return []
  return [complaint(`a ${answer.status} that is not declared`, answer)]
}

/** An order that failed is answered with a status of 400 and more, and is an order all the same. */
const hasOutcome = (answer: Received) => {
  const body = jsonOf(answer)
  return typeof body === 'object' && body !== null && 'order_id' in body
}

const complaint = (rule: string, { status, contentType, text }: Received): Complaint => ({
  rule,
  detail: `${status} ${contentType} ${text.slice(0, 400)}`.trim(),
})
