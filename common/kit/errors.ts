/** Stable, greppable codes. HTTP and the brokers translate them; domain code never names a status or a reject. */
export type ErrorCode =
  | 'LAB_ADMIN_CLOSED'
  | 'LAB_ADMIN_TOKEN'
  | 'LAB_BODY_NOT_JSON'
  | 'LAB_BODY_TOO_LARGE'
  | 'LAB_CONFIG_INVALID'
  | 'LAB_DEPENDENCY_UNAVAILABLE'
  | 'LAB_FAULT_INJECTED'
  | 'LAB_HEADERS_TOO_LARGE'
  | 'LAB_INTERNAL'
  | 'LAB_KEY_IN_FLIGHT'
  | 'LAB_KEY_REUSED'
  | 'LAB_MEDIA_TYPE'
  | 'LAB_NOT_FOUND'
  | 'LAB_OVERLOADED'
  | 'LAB_REQUEST_INVALID'
  | 'LAB_REQUEST_TOO_SLOW'
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
  cause?: unknown
  errors?: FieldError[]
}

export class LabError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly errors: FieldError[] | undefined

  constructor(code: ErrorCode, message: string, { retryable = false, cause, errors }: LabErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.name = 'LabError'
    this.code = code
    this.retryable = retryable
    this.errors = errors
  }
}

export const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err))
