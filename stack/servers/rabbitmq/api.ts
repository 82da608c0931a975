import { request } from 'undici'

export interface RabbitApi {
  managementUrl: string
  username: string
  password: string
}

export class RabbitApiError extends Error {
  override readonly name = 'RabbitApiError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

const CALL_MS = 5_000

/**
 * One call to the management API. Answers the parsed body, undefined for an empty one.
 * Rejects with `RabbitApiError` on a status of 400 or more, and after five seconds without an answer.
 */
export async function rabbitApi<T>(
  { managementUrl, username, password }: RabbitApi,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const credentials = Buffer.from(`${username}:${password}`).toString('base64')
  const response = await request(`${managementUrl}/api${path}`, {
    method,
    headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_MS),
    reset: true, // no idle connection that would outlive the call
  })
  const text = await response.body.text()
  if (response.statusCode >= 400) {
    const where = `${method} ${managementUrl}/api${path}`
    throw new RabbitApiError(
      `${where} answered ${response.statusCode} ${text.slice(0, 300)}`,
      response.statusCode,
    )
  }
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Rejects while the broker does not take AMQP connections on `port`; answers its version when it does. */
export async function checkServing(api: RabbitApi, port: number): Promise<string> {
  await rabbitApi(api, 'GET', `/health/checks/port-listener/${port}`)
  return readVersion(api)
}

export async function readVersion(api: RabbitApi): Promise<string> {
  const overview = await rabbitApi<{ rabbitmq_version: string }>(api, 'GET', '/overview')
  return overview.rabbitmq_version
}
