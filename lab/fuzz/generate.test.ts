import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mutatedBody, sampleCase, validJson } from './generate.ts'
import { compile, parseBody, reachesPrototype, type Schema, textOf } from './json.ts'

const order: Schema = {
  type: 'object',
  properties: {
    item: { type: 'string', enum: ['burger', 'pizza'] },
    quantity: { type: 'integer', minimum: 1, maximum: 100 },
    note: { $ref: '#/components/schemas/Note' },
    share: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  },
  required: ['item', 'quantity'],
  additionalProperties: false,
}
const components = { Note: { type: 'string', maxLength: 5 } }
const valid = validJson(order, { components, ids: [] })
const fits = compile(order, components)

describe('JSON from a schema', () => {
  test('is accepted by that schema, however it is written', () => {
    fc.assert(fc.property(valid, (json) => fits(JSON.parse(textOf(json)))))
  })

  test('takes more than one form of a number and meets the limits', () => {
    const texts = fc.sample(valid, { seed: 1, numRuns: 2_000 }).map(textOf)

    for (const form of ['"quantity":1}', '"quantity":100', '.0', 'e0'])
      expect(texts.join('\n')).toContain(form)
  })
})

describe('a changed body', () => {
  const bodies = mutatedBody(valid)

  test('comes out the same for the same seed and number, and different for others', () => {
    const draw = (seed: number, at: number) => sampleCase(bodies, { seed, target: 'POST /order', at })

    expect(draw(1, 7)).toEqual(draw(1, 7))
    expect(
      new Set(Array.from({ length: 50 }, (_, at) => draw(1, at).bytes.toString('hex'))).size,
    ).toBeGreaterThan(30)
    expect(draw(1, 7)).not.toEqual(draw(2, 7))
  })

  test.each([
    { what: 'a key twice', pattern: /"item":.*"item":/ },
    { what: 'a key that reaches the prototype', pattern: /"__proto__":/ },
    { what: 'a number beyond every limit', pattern: /:(1e309|-1e400|9{400})/ },
    { what: 'deep nesting', pattern: /\[{500}/ },
    { what: 'no JSON at all', pattern: /NaN|undefined/ },
    { what: 'text that is cut off', pattern: /^\{"item":"\w*$/ },
  ])('is sometimes $what', ({ pattern }) => {
    const texts = fc.sample(bodies, { seed: 1, numRuns: 5_000 }).map(({ bytes }) => bytes.toString())

    expect(texts.some((text) => pattern.test(text))).toBe(true)
  })

  test('is judged by what it says in the end', () => {
    const verdicts = fc.sample(bodies, { seed: 1, numRuns: 2_000 }).map(({ bytes }) => fits(parseBody(bytes)))

    expect(verdicts).toContain(true)
    expect(verdicts.filter((verdict) => !verdict).length).toBeGreaterThan(1_000)
  })
})

describe('a key that reaches the prototype', () => {
  test.each(['{"__proto__":{}}', '[{"a":{"__proto__":1}}]', '{"constructor":{"prototype":{}}}'])(
    'is found in %s',
    (text) => {
      expect(reachesPrototype(JSON.parse(text))).toBe(true)
    },
  )

  test.each(['{"constructor":1}', '{"prototype":{}}', '{"a":[null,"__proto__"]}'])(
    'is not seen in %s',
    (text) => {
      expect(reachesPrototype(JSON.parse(text))).toBe(false)
    },
  )
})
