import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { plant } from './plant.ts'
import { checkLint, checkTypes } from './tools.ts'

const tsconfig = JSON.stringify({
  compilerOptions: { strict: true, noEmit: true, types: [] },
  include: ['**/*.ts'],
})
const biome = JSON.stringify({ formatter: { enabled: false }, linter: { rules: { preset: 'recommended' } } })

describe('types', () => {
  test('hold on clean code and name the place of an error', async () => {
    using clean = plant({ 'tsconfig.json': tsconfig, 'a.ts': 'export const a: number = 1\n' })
    using broken = plant({ 'tsconfig.json': tsconfig, 'a.ts': `export const a: number = 'one'\n` })

    expect(await checkTypes(clean.root)).toEqual([])
    expect(await checkTypes(broken.root)).toEqual([
      { message: expect.stringContaining('a.ts(1,14): error TS2322') },
    ])
  })
})

describe('lint', () => {
  test('of this repository refuses modules that import each other, if only for a type', async () => {
    const own = {
      'biome.json': readFileSync(new URL('../../biome.json', import.meta.url), 'utf8'),
      '.gitignore': 'node_modules\n',
      'package.json': '{\n  "type": "module"\n}\n',
      'a.ts': "import type { B } from './b.ts'\n\nexport type A = B | 1\n",
    }
    using circle = plant({ ...own, 'b.ts': "import type { A } from './a.ts'\n\nexport type B = A[]\n" })
    using line = plant({ ...own, 'b.ts': 'export type B = 2\n' })

    expect(await checkLint(line.root)).toEqual([])
    expect(await checkLint(circle.root)).toEqual([{ message: expect.stringContaining('noImportCycles') }])
  })

  test('holds on clean code and fails on a warning', async () => {
    using clean = plant({ 'biome.json': biome, 'a.ts': 'export const a = 1;\n' })
    using broken = plant({ 'biome.json': biome, 'a.ts': 'export const a: any = 1;\n' })

    expect(await checkLint(clean.root)).toEqual([])
    expect(await checkLint(broken.root)).toEqual([{ message: expect.stringContaining('noExplicitAny') }])
  })
})
