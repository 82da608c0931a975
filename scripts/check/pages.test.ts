import { describe, expect, test } from 'vitest'
import { checkPages } from './pages.ts'
import { plant } from './plant.ts'

const tsconfig = JSON.stringify({
  compilerOptions: {
    strict: true,
    noEmit: true,
    types: [],
    lib: ['es2024', 'dom'],
    module: 'esnext',
    moduleResolution: 'bundler',
  },
  include: ['src'],
})
const page = (files: Record<string, string>, devDependencies = {}) =>
  plant({
    'part/page/package.json': JSON.stringify({ type: 'module', devDependencies }),
    'part/page/tsconfig.json': tsconfig,
    ...files,
  })

describe('pages', () => {
  test('are skipped by name where there is none', async () => {
    using planted = plant({})
    expect(await checkPages(planted.root)).toEqual([
      { severity: 'note', message: 'skipped: there is no page here' },
    ])
  })

  test('may use the DOM, and are told of a wrong type', async () => {
    using clean = page({ 'part/page/src/main.ts': `export const title: string = document.title\n` })
    using broken = page({ 'part/page/src/main.ts': `export const title: number = document.title\n` })

    expect(await checkPages(clean.root)).toEqual([])
    expect(await checkPages(broken.root)).toEqual([
      { file: 'part/page', message: expect.stringContaining('src/main.ts(1,14): error TS2322') },
    ])
  })
})
