import { describe, expect, test } from 'vitest'
import { plant } from './plant.ts'
import { checkProjects } from './projects.ts'

const aTest = `import { test } from 'vitest'\ntest('runs', () => {})\n`

const workspace = (...names: string[]) => {
  const projects = names.map((name) => ({ test: { name, include: [`${name}/**/*.test.ts`] } }))
  return `import { defineConfig } from 'vitest/config'
export default defineConfig({ test: { projects: ${JSON.stringify(projects)} } })`
}
const config = `export { default } from './vitest.workspace.ts'`
const tests = { 'common/a.test.ts': aTest, 'lab/b.test.ts': aTest }

describe('projects', () => {
  test('hold when every test file runs in the project of its folder', async () => {
    using planted = plant({
      ...tests,
      'vitest.config.ts': config,
      'vitest.workspace.ts': workspace('common', 'lab'),
    })

    expect(await checkProjects(planted.root)).toEqual([])
  })

  test('hold when a test that takes long runs in the long project, and name one that runs with the others too', async () => {
    const long = `export default { test: { projects: [{ test: { name: 'long', include: ['**/*.long.test.ts'] } }] } }`
    const files = { 'lab/b.long.test.ts': aTest, 'vitest.config.ts': config, 'vitest.long.ts': long }
    using apart = plant({ ...files, 'vitest.workspace.ts': workspace('common'), 'common/a.test.ts': aTest })
    using mixed = plant({ ...files, 'vitest.workspace.ts': workspace('lab') })

    expect(await checkProjects(apart.root)).toEqual([])
    expect(await checkProjects(mixed.root)).toEqual([
      { file: 'lab/b.long.test.ts', message: `should run in project 'long', runs in 'lab' and 'long'` },
    ])
  })

  test('name the files of a missing project', async () => {
    using planted = plant({
      ...tests,
      'vitest.config.ts': config,
      'vitest.workspace.ts': workspace('common'),
    })

    expect(await checkProjects(planted.root)).toEqual([
      { file: 'lab/b.test.ts', message: `should run in project 'lab', runs in nothing` },
    ])
  })

  test('notice that vitest ignores a workspace file nothing points to', async () => {
    using planted = plant({ ...tests, 'vitest.workspace.ts': workspace('common', 'lab') })

    const messages = (await checkProjects(planted.root)).map(({ message }) => message)

    expect(messages).toEqual([
      `should run in project 'common', runs in no named project`,
      `should run in project 'lab', runs in no named project`,
    ])
  })
})
