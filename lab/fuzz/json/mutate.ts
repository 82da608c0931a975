import fc from 'fast-check'
import { changeAt, type Json, placesIn, textOf } from './tree.ts'
import { weirdBytes, weirdKey, weirdValue } from './weird.ts'

/** A body on its way out, and in a few words what was done to it. */
export interface Body {
  bytes: Buffer
  change: string
}

type Change = (valid: Json) => Body

const written = (change: string, json: Json | undefined): Body => ({
  change,
  bytes: Buffer.from(json === undefined ? '' : textOf(json)),
})

const placeOf = (json: Json, at: number) => {
  const places = placesIn(json)
  return places[at % places.length]!
}

const replaced = fc.tuple(fc.nat(), weirdValue).map(
  ([at, value]): Change =>
    (json) =>
      written(
        'replaced',
        changeAt(json, placeOf(json, at), () => value),
      ),
)

const removed = fc.nat().map(
  (at): Change =>
    (json) =>
      written(
        'missing',
        changeAt(json, placeOf(json, at), () => undefined),
      ),
)

/** Adds a member to the objects found at the place; a key that is there already then comes twice. */
const added = fc.tuple(fc.nat(), fc.nat(), weirdKey, weirdValue, fc.boolean()).map(
  ([at, which, key, value, isTwice]): Change =>
    (json) => {
      const add = (node: Json): Json => {
        if (typeof node === 'string') return { members: [[key, value]] }
        if (Array.isArray(node)) return [...node, value]
        const name = isTwice ? (node.members[which % (node.members.length || 1)]?.[0] ?? key) : key
        const entry: [string, Json] = [name, value]
        return { members: which % 2 === 0 ? [...node.members, entry] : [entry, ...node.members] }
      }
      return written(isTwice ? 'key twice' : 'additional', changeAt(json, placeOf(json, at), add))
    },
)

const wrapped = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3_000 })).map(
  ([at, depth]): Change =>
    (json) => {
      const wrap = (node: Json) => '['.repeat(depth) + textOf(node) + ']'.repeat(depth)
      return written('nested', changeAt(json, placeOf(json, at), wrap))
    },
)

const broken = fc
  .tuple(
    fc.nat(),
    fc.constantFrom('', ',', '}', ']', '"', '{', '//x\n', '/**/', '\0', '\\', ':', '\u2028', ' x'),
  )
  .map(
    ([at, junk]): Change =>
      (json) => {
        const text = textOf(json)
        const cut = at % (text.length + 1)
        // Without junk the text is cut off.
        return written('broken', text.slice(0, cut) + (junk === '' ? '' : junk + text.slice(cut)))
      },
  )

const spoilt = fc.tuple(fc.nat(), weirdBytes).map(
  ([at, junk]): Change =>
    (json) => {
      const bytes = Buffer.from(textOf(json))
      const cut = at % (bytes.length + 1)
      return { change: 'bytes', bytes: Buffer.concat([bytes.subarray(0, cut), junk, bytes.subarray(cut)]) }
    },
)

const other = fc
  .oneof(
    weirdBytes,
    fc
      .constantFrom('', ' ', '\n', 'null', 'true', '0', '"x"', '[]', '{}', '{}{}', 'a=1&b=2', '<a/>')
      .map((text) => Buffer.from(text)),
  )
  .map(
    (bytes): Change =>
      () => ({ change: 'something else', bytes }),
  )

const KIB = 1_024
const padded = fc
  .tuple(
    fc.constantFrom(15 * KIB, 17 * KIB, 63 * KIB, 65 * KIB, 70 * KIB, 300 * KIB),
    fc.constantFrom(' ', 'x', '[', 'é'),
  )
  .map(
    ([size, filler]): Change =>
      (json) => {
        const text = textOf(json)
        const fill = filler.repeat(Math.ceil(size / Buffer.byteLength(filler)))
        if (filler === ' ') return written('large', fill + text)
        return written(
          'large',
          typeof json === 'object' && 'members' in json
            ? { members: [...json.members, ['padding', JSON.stringify(fill)]] }
            : `${text.slice(0, -1)}${fill}`,
        )
      },
  )

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 10, arbitrary: replaced },
  { weight: 4, arbitrary: removed },
  { weight: 6, arbitrary: added },
  { weight: 2, arbitrary: wrapped },
  { weight: 4, arbitrary: broken },
  { weight: 2, arbitrary: spoilt },
  { weight: 2, arbitrary: other },
  { weight: 1, arbitrary: padded },
)

/** Bodies made of valid ones by one change. What is left may well be valid: the oracle says, not the change. */
export const mutatedBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  fc.tuple(valid, change).map(([json, make]) => make(json))

export const validBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  valid.map((json) => written('valid', json))
