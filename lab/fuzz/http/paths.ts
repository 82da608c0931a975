import fc from 'fast-check'
import { type ValidOptions, validJson } from '../json/valid.ts'
import { weirdString } from '../json/weird.ts'
import type { Parameter, Route } from './document.ts'
import type { Piece } from './pieces.ts'

/** The path with its parameters filled in, and the query that is documented. */
export function goodPath(route: Route, options: ValidOptions): fc.Arbitrary<Piece<string>> {
  const value = ({ schema }: Parameter) =>
    fc.oneof(...options.ids.map((id) => fc.constant(id)), fc.uuid(), validText(schema, options))
  const filled = route.parameters.filter((parameter) => parameter.in !== 'header')
  return fc.tuple(fc.tuple(...filled.map(value)), fc.boolean()).map(([values, withQuery]) => {
    let path = route.path
    const query: string[] = []
    for (const [at, parameter] of filled.entries()) {
      const text = encodeURIComponent(values[at]!.toWellFormed())
      if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, text || '-')
      else if (withQuery && text !== '') query.push(`${parameter.name}=${text}`)
    }
    // What a parameter may be is for the service to say: a 404, a 400 for one that is too long.
    const expected = filled.length === 0 ? 'accepted' : 'either'
    return { value: query.length === 0 ? path : `${path}?${query.join('&')}`, expected }
  })
}

const validText = (schema: Parameter['schema'], options: ValidOptions) =>
  validJson(schema, options).map((json) => String(JSON.parse(json as string)))

/** Anything that may stand in a request line: a client that sends less is not the one to fear. */
export const weirdSegment = fc.oneof(
  weirdString.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    '%',
    '%zz',
    '%00',
    '%c3%28',
    '%2e%2e%2f',
    '..',
    '.',
    '%2f',
    '%5c',
    '*',
    ';a=b',
    ':id',
    '{id}',
    '%ff%fe',
  ),
  fc.constantFrom(
    '~',
    '!',
    '$&',
    "'",
    '(',
    '@',
    '[]',
    '|',
    '^',
    '`',
    '\u00e9',
    '\u00ff',
    'x'.repeat(101),
    'x'.repeat(3_000),
  ),
)

export function oddPath(route: Route, options: ValidOptions): fc.Arbitrary<Piece<string>> {
  const filled = goodPath(route, options)
  const either = (odd: string) => (value: string) => ({ value, odd, expected: 'either' as const })
  return fc.oneof(
    weirdSegment
      .map((segment) => route.path.replace(/\{\w+\}|[^/]+$/, () => segment))
      .map(either('path: segment')),
    fc
      .tuple(filled, weirdSegment)
      .map(([{ value }, segment]) => `${value}/${segment}`)
      .map(either('path: longer')),
    fc
      .tuple(filled, query)
      .map(([{ value }, text]) => `${value}${value.includes('?') ? '&' : '?'}${text}`)
      .map(either('query')),
    filled.map(({ value }) => value.toUpperCase()).map(either('path: upper case')),
    fc
      .tuple(filled, fc.constantFrom('/', '//', '#x', ';x', '%20', '?', '??', '/.'))
      .map(([{ value }, tail]) => value + tail)
      .map(either('path: tail')),
  )
}

const query = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom('group', 'group[]', '__proto__', 'a[b][c]', 'limit', ''), weirdSegment),
      weirdSegment,
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pairs) =>
    pairs
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
      .replaceAll('?', '%3F'),
  )
