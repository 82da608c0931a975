import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mutations } from './mutations/index.ts'
import { mutated } from './prove.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(resolve(ROOT, file), 'utf8')
const partIsHere = ({ file }: { file: string }) => existsSync(resolve(ROOT, file.split('/')[0] as string))

describe('a mutation applies to the source as it is, and has a check that is there', () => {
  test.each(mutations.filter(partIsHere))('$name', (mutation) => {
    const text = read(mutation.file)

    expect(mutated(text, mutation)).not.toBe(text)
    expect(read(mutation.check.test)).toContain(mutation.check.title ?? '')
  })
})

test('every mutation has a name of its own', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
})

test('a mutation whose text is there twice, or not at all, is refused', () => {
  const mutation = { name: 'm', breaks: '', file: 'f.ts', find: 'a', replace: 'b', check: { test: 't' } }

  expect(mutated('x a y', mutation)).toBe('x b y')
  expect(() => mutated('a a', mutation)).toThrow('m: f.ts has the text to replace 2 times, not once')
  expect(() => mutated('', mutation)).toThrow('0 times')
})
