/** What the documents and the rules of HTTP say must become of a request. */
export type Expected =
  | 'accepted'
  | 'refused'
  /** Nobody promises either; what holds for every answer holds all the same. */
  | 'either'

export interface HttpCase {
  /** In a few words, what is odd about it. */
  kind: string
  method: string
  /** With its query. */
  path: string
  headers: [name: string, value: string][]
  body: Buffer | null
  expected: Expected
  /** Written to a socket as it is, in the place of everything above: for what no client library would send. */
  raw?: Buffer
}

const MAX_SHOWN = 2_000

/** A command that sends the request once more, for people. */
export function commandOf({ method, path, headers, body, raw }: HttpCase, port: number): string {
  if (raw) return `printf %b ${shellQuoted(escaped(raw))} | nc 127.0.0.1 ${port}`
  const url = `http://127.0.0.1:${port}${path}`
  const options = headers.map(
    ([name, value]) => `-H ${shellQuoted(value === '' ? `${name};` : `${name}: ${value}`)}`,
  )
  const head = `curl -i --path-as-is -X ${method} ${shellQuoted(url)}`
  if (body === null) return [head, ...options].join(' ')
  // Without its own content type curl would add one.
  if (!headers.some(([name]) => name === 'content-type')) options.push(`-H 'content-type:'`)
  const text = body.toString()
  if (Buffer.from(text).equals(body) && !text.includes('\0'))
    return [head, ...options, '--data-binary', shellQuoted(shortened(text))].join(' ')
  return `printf %b ${shellQuoted(escaped(body))} | ${[head, ...options].join(' ')} --data-binary @-`
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const shortened = (text: string) =>
  text.length <= MAX_SHOWN
    ? text
    : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters; --case repeats it)`

const escaped = (bytes: Buffer): string =>
  shortened(
    [...bytes.subarray(0, MAX_SHOWN)]
      .map((byte) =>
        byte > 0x20 && byte < 0x7f && byte !== 0x5c
          ? String.fromCharCode(byte)
          : `\\x${byte.toString(16).padStart(2, '0')}`,
      )
      .join(''),
  )
