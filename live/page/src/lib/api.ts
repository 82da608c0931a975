/** A refusal of the server, in its own words. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const TOKEN = 'ADMIN_TOKEN'
let token = sessionStorage.getItem(TOKEN) ?? ''

/** What commands are sent with, until this window is closed. */
export function useToken(given: string): void {
  token = given
  sessionStorage.setItem(TOKEN, given)
}

/** The answer of a `GET`, as JSON. */
export const read = <Answer>(path: string, signal?: AbortSignal): Promise<Answer> =>
  ask<Answer>(path, { ...(signal && { signal }) })

/** Gives a command: a route below `/admin`. */
export const command = <Answer>(path: string, body?: unknown, method = 'POST'): Promise<Answer> =>
  ask<Answer>(path, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== '' && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, init).catch(() => {
    throw new Refusal(0, 'The page’s server does not answer')
  })
  if (response.ok)
    return response.status === 204 ? (undefined as Answer) : ((await response.json()) as Answer)
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string }
  throw new Refusal(
    response.status,
    problem.detail ?? problem.title ?? `The server answered ${response.status}`,
  )
}
