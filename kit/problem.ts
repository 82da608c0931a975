import { z } from 'zod'
import { type ErrorCode, type FieldError, LabError } from './errors.ts'
import { scrub } from './scrub.ts'

/** An RFC 9457 problem document, with the stable `code` and, for bad input, each field that was wrong. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    errors: z
      .array(z.object({ field: z.string(), message: z.string(), value: z.string().optional() }))
      .optional(),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'urn:lab:problem:LAB_REQUEST_INVALID',
        title: 'The request is not valid',
        status: 400,
        detail: 'item: Invalid option (got "soup")',
        instance: '/order',
        code: 'LAB_REQUEST_INVALID',
        errors: [{ field: 'item', message: 'Invalid option', value: '"soup"' }],
      },
    ],
  })
export type Problem = z.infer<typeof Problem>

const STATUS: Record<ErrorCode, number> = {
  LAB_ADMIN_CLOSED: 403,
  LAB_ADMIN_TOKEN: 401,
  LAB_BODY_NOT_JSON: 400,
  LAB_BODY_TOO_LARGE: 413,
  LAB_CONFIG_INVALID: 500,
  LAB_CONFLICT: 409,
  LAB_CONTENT_ENCODING: 415,
  LAB_DEPENDENCY_UNAVAILABLE: 503,
  LAB_FAULT_INJECTED: 500,
  LAB_FORBIDDEN: 403,
  LAB_HEADERS_TOO_LARGE: 431,
  LAB_INTERNAL: 500,
  LAB_KEY_IN_FLIGHT: 409,
  LAB_KEY_REUSED: 422,
  LAB_MEDIA_TYPE: 415,
  LAB_METHOD_NOT_ALLOWED: 405,
  LAB_NOT_FOUND: 404,
  LAB_OVERLOADED: 503,
  LAB_REQUEST_INVALID: 400,
  LAB_REQUEST_TOO_SLOW: 408,
  LAB_TOO_MANY_REQUESTS: 429,
  LAB_UNAUTHENTICATED: 401,
  LAB_UPSTREAM_BROKEN: 502,
  LAB_UPSTREAM_TIMEOUT: 504,
  LAB_URL_TOO_LONG: 414,
}

const TITLE: Record<ErrorCode, string> = {
  LAB_ADMIN_CLOSED: 'The administration routes are closed to this caller',
  LAB_ADMIN_TOKEN: 'The administration routes need a token',
  LAB_BODY_NOT_JSON: 'The body is not JSON',
  LAB_BODY_TOO_LARGE: 'The body is too large',
  LAB_CONFIG_INVALID: 'The configuration is wrong',
  LAB_CONFLICT: 'It does not go together with what is there',
  LAB_CONTENT_ENCODING: 'The body is encoded',
  LAB_DEPENDENCY_UNAVAILABLE: 'Something this service needs is away',
  LAB_FAULT_INJECTED: 'An injected fault',
  LAB_FORBIDDEN: 'Not for this caller',
  LAB_HEADERS_TOO_LARGE: 'The headers are too large',
  LAB_INTERNAL: 'Internal error',
  LAB_KEY_IN_FLIGHT: 'An order with this Idempotency-Key is in flight',
  LAB_KEY_REUSED: 'This Idempotency-Key stands for another order',
  LAB_MEDIA_TYPE: 'The content type is not application/json',
  LAB_METHOD_NOT_ALLOWED: 'The method is not allowed here',
  LAB_NOT_FOUND: 'Not found',
  LAB_OVERLOADED: 'Too much work is waiting',
  LAB_REQUEST_INVALID: 'The request is not valid',
  LAB_REQUEST_TOO_SLOW: 'The request came too slowly',
  LAB_TOO_MANY_REQUESTS: 'Too many requests',
  LAB_UNAUTHENTICATED: 'Who calls is not known',
  LAB_UPSTREAM_BROKEN: 'The answer of a service broke off',
  LAB_UPSTREAM_TIMEOUT: 'A service did not answer in time',
  LAB_URL_TOO_LONG: 'The URL is too long',
}

/** A 5xx says what the service chose to say (a `LabError`), never the message of an error it did not expect. */
export function problemOf(err: LabError, instance: string): Problem {
  return {
    type: `urn:lab:problem:${err.code}`,
    title: TITLE[err.code],
    status: STATUS[err.code],
    // A 5xx may carry what a library said; a 4xx says what the caller sent.
    detail: STATUS[err.code] >= 500 ? scrub(err.message) : err.message,
    instance,
    code: err.code,
    ...(err.errors === undefined ? {} : { errors: err.errors }),
    ...err.details,
  }
}

/** Fastify's own request errors, in the lab's words and codes. Anything else is internal. */
export function asLabError(
  err: Error & { code?: string; statusCode?: number },
  limitBytes: number,
): LabError {
  if (err instanceof LabError) return err
  const body = (code: ErrorCode, message: string) =>
    new LabError(code, message, { cause: err, errors: [{ field: 'body', message }] })
  switch (err.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return body('LAB_BODY_TOO_LARGE', `body: is larger than ${limitBytes} bytes`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return body('LAB_MEDIA_TYPE', 'body: send it with content-type: application/json')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return body('LAB_REQUEST_INVALID', 'body: is empty, a JSON object is required')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return body('LAB_BODY_NOT_JSON', 'body: is not valid JSON')
    case 'FST_ERR_BAD_URL':
      return new LabError('LAB_REQUEST_INVALID', 'url: cannot be decoded', { cause: err })
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new LabError('LAB_URL_TOO_LONG', 'url: has a part that is too long', { cause: err })
  }
  if (err.statusCode !== undefined && err.statusCode >= 400 && err.statusCode < 500) {
    return err instanceof SyntaxError
      ? body('LAB_BODY_NOT_JSON', 'body: is not valid JSON')
      : new LabError('LAB_REQUEST_INVALID', `request: ${err.message}`, { cause: err })
  }
  return new LabError('LAB_INTERNAL', 'The service met an error it did not expect; its log has the cause', {
    cause: err,
  })
}

/** Names each wrong field and the value that was sent. `sent` is the part of the request that was checked. */
export function invalidRequest(part: string, issues: readonly z.core.$ZodIssue[], sent: unknown): LabError {
  const errors = issues.flatMap((issue) => fieldErrors(part, issue, sent))
  const detail = errors
    .map(({ field, message, value }) => `${field}: ${message}${value === undefined ? '' : ` (got ${value})`}`)
    .join('; ')
  return new LabError('LAB_REQUEST_INVALID', detail, { errors })
}

function fieldErrors(part: string, issue: z.core.$ZodIssue, sent: unknown): FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [fieldError(part, issue.path, issue.message, sent)]
  return issue.keys.map((key) => fieldError(part, [...issue.path, key], 'is not known here', sent))
}

function fieldError(part: string, path: PropertyKey[], message: string, sent: unknown): FieldError {
  const value = path.reduce<unknown>(
    (node, key) => (node as Record<PropertyKey, unknown> | null | undefined)?.[key as PropertyKey],
    sent,
  )
  return {
    field: path.length === 0 ? part : path.join('.') || '""',
    message,
    ...(value === undefined ? {} : { value: shorten(JSON.stringify(value)) }),
  }
}

const shorten = (text: string) => (text.length <= 80 ? text : `${text.slice(0, 77)}...`)
