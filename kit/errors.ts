/** Stable, greppable codes. HTTP and the brokers translate them; domain code never names a status or a reject. */
export type ErrorCode =
  | 'LAB_ADMIN_CLOSED'
  | 'LAB_ADMIN_TOKEN'
  | 'LAB_BODY_NOT_JSON'
  | 'LAB_BODY_TOO_LARGE'
  | 'LAB_CONTENT_ENCODING'
  | 'LAB_CONFIG_INVALID'
  | 'LAB_CONFLICT'
  | 'LAB_DEPENDENCY_UNAVAILABLE'
  | 'LAB_FAULT_INJECTED'
  | 'LAB_FORBIDDEN'
  | 'LAB_HEADERS_TOO_LARGE'
  | 'LAB_INTERNAL'
  | 'LAB_KEY_IN_FLIGHT'
  | 'LAB_KEY_REUSED'
  | 'LAB_MEDIA_TYPE'
  | 'LAB_METHOD_NOT_ALLOWED'
  | 'LAB_NOT_FOUND'
  | 'LAB_OVERLOADED'
  | 'LAB_REQUEST_INVALID'
  | 'LAB_REQUEST_TOO_SLOW'
  | 'LAB_TOO_MANY_REQUESTS'
  | 'LAB_UNAUTHENTICATED'
  | 'LAB_UPSTREAM_BROKEN'
  | 'LAB_UPSTREAM_TIMEOUT'
  | 'LAB_URL_TOO_LONG'

/** What was wrong with one field of a request, and the value that was sent (shortened). */
export interface FieldError {
  field: string
  message: string
  value?: string
}

export interface LabErrorOptions {
  /** Whether the same call can succeed later without being changed. */
  retryable?: boolean
  /** How long a caller should wait before that. */
  retryAfterSeconds?: number
  cause?: unknown
  errors?: FieldError[]
  /** Further members of the problem document. */
  details?: Record<string, unknown>
}

export class LabError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterSeconds: number
  readonly errors: FieldError[] | undefined
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: LabErrorOptions = {}) {
    const { retryable = false, retryAfterSeconds = 1, cause, errors, details } = options
    super(message, cause === undefined ? {} : { cause })
    this.name = 'LabError'
    this.code = code
    this.retryable = retryable
    this.retryAfterSeconds = retryAfterSeconds
    this.errors = errors
    this.details = details
  }
}

export const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err))
