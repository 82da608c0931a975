import { hash } from 'node:crypto'
import fc from 'fast-check'
import { type Components, changeAt, type Json, type Member, resolve, type Schema, textOf } from './json.ts'
import { oneOf, weirdBytes, weirdKey, weirdValue } from './weird.ts'

export interface ValidOptions {
  components: Components
  /** Ids that come again and again, so that repeats and conflicts are met as well. */
  ids: string[]
  /** The largest value to generate for a property that would otherwise cost minutes, such as the size of a bulk. */
  atMost?: Record<string, number>
}

const FAR = 2 ** 53 - 1

/** JSON that the schema accepts, in the different ways it can be written. */
export function validJson(schema: Schema, options: ValidOptions): fc.Arbitrary<Json> {
  const found = resolve(schema, options.components)
  const choices = found.anyOf ?? found.oneOf ?? typesOf(found)
  if (choices) return fc.oneof(...choices.map((choice) => validJson(choice, options)))
  if (found.const !== undefined) return fc.constant(JSON.stringify(found.const))
  if (found.enum) return fc.constantFrom(...found.enum.map((value) => JSON.stringify(value)))
  switch (found.type) {
    case 'object':
      return objectOf(found, options)
    case 'array': {
      const { items = {}, minItems = 0, maxItems = minItems + 3 } = found
      const values = fc.array(validJson(items, options), { minLength: minItems, maxLength: maxItems })
      return values.map((all) => ({ isArray: true, members: all.map((value): Member => ['', value]) }))
    }
    case 'integer':
      return fc
        .tuple(integer(found), fc.constantFrom('', '', '', '', '.0', 'e0', '.000E+0'))
        .map(([whole, tail]) => `${whole}${tail}`)
    case 'number':
      return number(found)
    case 'boolean':
      return fc.boolean().map(String)
    case 'null':
      return fc.constant('null')
    case 'string':
      return text(found, options).map((value) => JSON.stringify(value))
    default:
      return fc.json({ maxDepth: 2 })
  }
}

const typesOf = ({ type, ...schema }: Schema): Schema[] | undefined =>
  Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : undefined

/** The order of members means nothing, so it is another one each time; now and then there is one that no schema names. */
function objectOf({ properties = {}, required = [], ...schema }: Schema, options: ValidOptions) {
  const named = Object.entries(properties).map(([key, value]): [string, fc.Arbitrary<Json>] => {
    const maximum = options.atMost?.[key]
    const bounded = maximum === undefined ? value : { ...resolve(value, options.components), maximum }
    return [key, validJson(bounded, options)]
  })
  const known = fc.record(Object.fromEntries(named), { requiredKeys: required, noNullPrototype: true })
  const unnamed = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}_x$/), fc.json({ maxDepth: 1 }), { maxKeys: 1 })
  const more = schema.additionalProperties === false ? fc.constant({}) : sometimes(unnamed, {}, 5)
  return fc
    .tuple(known, more)
    .map(([entries, others]) => Object.entries<Json>({ ...entries, ...others }))
    .chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length }))
    .map((members) => ({ members }))
}

/** One of these now and then, and otherwise `usual`, that many times as often. */
export const sometimes = <Value>(odd: fc.Arbitrary<Value>, usual: Value, often: number) =>
  fc.oneof({ weight: often, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd })

function integer({
  minimum = -FAR,
  maximum = FAR,
  exclusiveMinimum = -Infinity,
  exclusiveMaximum = Infinity,
}: Schema) {
  return fc.integer({
    min: Math.max(minimum, Math.floor(exclusiveMinimum) + 1),
    max: Math.min(maximum, Math.ceil(exclusiveMaximum) - 1),
  })
}

function number({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): fc.Arbitrary<string> {
  const any = fc.double({
    min: exclusiveMinimum ?? minimum ?? -FAR,
    max: exclusiveMaximum ?? maximum ?? FAR,
    minExcluded: exclusiveMinimum !== undefined,
    maxExcluded: exclusiveMaximum !== undefined,
    noNaN: true,
    noDefaultInfinity: true,
  })
  return any.map((value) => JSON.stringify(value))
}

function text(schema: Schema, { ids }: ValidOptions): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 40 } = schema
  if (format === 'uuid') return uuid(ids)
  if (format === 'date-time') return date
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  const most = Math.min(maxLength, 200)
  // A character that a reader sees can be many code units, which is what a limit counts.
  return fc
    .string({ unit: 'grapheme', minLength, maxLength: most })
    .map((found) => found.slice(0, most).toWellFormed())
}

/** Upper and lower case are the same id. */
function uuid(ids: string[]): fc.Arbitrary<string> {
  const any =
    ids.length === 0 ? fc.uuid() : fc.oneof({ weight: 3, arbitrary: fc.uuid() }, fc.constantFrom(...ids))
  return fc.oneof(
    { weight: 19, arbitrary: any },
    any.map((id) => id.toUpperCase()),
  )
}

const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((at) => at.toISOString())

/** A body on its way out, and in a few words what was done to it. */
export interface Body {
  bytes: Buffer
  change: string
}

const written = (change: string, json: Json | undefined): Body => ({
  change,
  bytes: Buffer.from(json === undefined ? '' : textOf(json)),
})

export const validBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  valid.map((json) => written('valid', json))

/** Bodies made of valid ones by one change. What is left may well be valid: the oracle says, not the change. */
export const mutatedBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  fc.tuple(valid, fc.oneof(...changes)).map(([json, change]) => change(json))

/** What is drawn for a change, and what it then makes of a valid body. */
const change = <Drawn>(
  weight: number,
  drawn: fc.Arbitrary<Drawn>,
  make: (valid: Json, drawn: Drawn) => Body,
) => ({ weight, arbitrary: drawn.map((one) => (valid: Json) => make(valid, one)) })

/** The same of one node: undefined takes it out. */
const changeOfNode = <Drawn>(
  weight: number,
  name: string,
  drawn: fc.Arbitrary<Drawn>,
  make: (node: Json, drawn: Drawn) => Json | undefined,
) =>
  change(weight, fc.tuple(fc.nat(), drawn), (json, [at, one]) => {
    return written(
      name,
      changeAt(json, at, (node) => make(node, one)),
    )
  })

const KIB = 1_024

const changes = [
  changeOfNode(10, 'replaced', weirdValue, (_, value) => value),
  changeOfNode(4, 'missing', fc.constant(undefined), () => undefined),
  change(6, fc.tuple(fc.nat(), fc.nat(), weirdKey, weirdValue, fc.boolean()), added),
  changeOfNode(2, 'nested', fc.integer({ min: 1, max: 3_000 }), (node, depth) => {
    return '['.repeat(depth) + textOf(node) + ']'.repeat(depth)
  }),
  change(
    4,
    fc.tuple(fc.nat(), fc.constantFrom('', '//x\n', '/**/', ' x', ...',}]"{\0\\:\u2028')),
    (json, [at, junk]) => {
      const text = textOf(json)
      const cut = at % (text.length + 1)
      // Without junk the text is cut off.
      return written('broken', text.slice(0, cut) + (junk && junk + text.slice(cut)))
    },
  ),
  change(2, fc.tuple(fc.nat(), weirdBytes), (json, [at, junk]) => {
    const bytes = Buffer.from(textOf(json))
    const cut = at % (bytes.length + 1)
    return { change: 'bytes', bytes: Buffer.concat([bytes.subarray(0, cut), junk, bytes.subarray(cut)]) }
  }),
  change(1, weirdBytes, (_, bytes) => ({ change: 'something else', bytes })),
  change(
    1,
    fc.oneof(fc.constantFrom('', ' ', '\n'), oneOf('null true 0 "x" [] {} {}{} a=1&b=2 <a/>')),
    (_, text) => written('something else', text),
  ),
  change(
    1,
    fc.tuple(fc.constantFrom(15, 17, 63, 65, 70, 300), fc.constantFrom(...' x[é')),
    (json, [size, filler]) => {
      const fill = filler.repeat((size * KIB) / Buffer.byteLength(filler))
      if (filler === ' ') return written('large', fill + textOf(json))
      return added(json, [0, 0, 'padding', JSON.stringify(fill), false], 'large')
    },
  ),
]

/** Adds a member to the object found at the place; a key that is there already then comes twice. */
function added(
  json: Json,
  [at, which, key, value, isTwice]: [number, number, string, Json, boolean],
  change = isTwice ? 'key twice' : 'additional',
): Body {
  const add = (node: Json): Json => {
    if (typeof node === 'string') return { members: [[key, value]] }
    const name = isTwice ? (node.members[which % (node.members.length || 1)]?.[0] ?? key) : key
    const members: Member[] = [...node.members, [name, value]]
    return { ...node, members: which % 2 === 0 ? members : members.reverse() }
  }
  return written(change, changeAt(json, at, add))
}

export interface FuzzOptions {
  seed: number
  /** How many, or the one case to repeat. */
  cases: number
  only?: number | undefined
  signal: AbortSignal
  progress: (text: string) => void
}

/** The numbers of the cases, from 0. */
export const numbersOf = ({ cases, only }: Pick<FuzzOptions, 'cases' | 'only'>): number[] =>
  only === undefined ? [...Array(cases).keys()] : [only]

/** What one case follows from, whatever ran before it and whatever runs beside it. */
interface Draw {
  seed: number
  /** The route or the consumer. */
  target: string
  /** The number of the case. */
  at: number
}

/** Of one case: fast-check draws a sample and the beginning of a search in the same way. */
const parameters = ({ seed, target, at }: Draw) => ({
  seed: hash('sha1', `${seed}\n${target}\n${at}`, 'buffer').readInt32BE(),
  numRuns: 1,
})

export const sampleCase = <Value>(values: fc.Arbitrary<Value>, draw: Draw): Value =>
  fc.sample(values, parameters(draw))[0] as Value

const SHRINK_TRIES = 150
const SHRINK_MS = 8_000

/** The smallest value found that still fails, or undefined when the value of `draw` does not fail any more. */
export async function shrinkCase<Value>(
  values: fc.Arbitrary<Value>,
  draw: Draw,
  fails: (value: Value) => Promise<boolean>,
): Promise<Value | undefined> {
  const until = performance.now() + SHRINK_MS
  let tries = 0
  let smallest: Value | undefined
  const holds = async (value: Value) => {
    // Out of tries everything holds, which ends the search.
    if (++tries > SHRINK_TRIES || performance.now() > until || !(await fails(value))) return true
    smallest = value
    return false
  }
  await fc.check(fc.asyncProperty(values, holds), parameters(draw))
  return smallest
}

const MAX_SHOWN = 2_000

/** For people, who can have all of it with `--case`. */
export const shortened = (text: string): string =>
  text.length <= MAX_SHOWN
    ? text
    : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters; --case repeats it)`
