import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { steps } from '@lab/common/kit/steps.ts'
import { describe, expect, test } from 'vitest'
import { parts } from '../stack/parts.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const present = Object.values(parts).filter(({ name }) => existsSync(resolve(ROOT, name)))

/** Every step that a part's code reaches, and the folder of the part it is reached in. */
function reachedIn(part: string): { name: string; folder: string }[] {
  const sources = globSync(`${part}/**/*.ts`, { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts') && !/\/(tests|node_modules)\//.test(file),
  )
  return sources.flatMap((file) => {
    const calls = readFileSync(resolve(ROOT, file), 'utf8').matchAll(/\breachStep(?:OnceSent)?\(([^()]*)\)/g)
    return [...calls].flatMap(([, argument = '']) =>
      [...argument.matchAll(/'([^']+)'/g)].map(([, name = '']) => ({
        name,
        folder: file.split('/')[1] ?? '',
      })),
    )
  })
}

describe.each(present)('the steps of $name', ({ name: part, services }) => {
  test('are listed when they are reached, and reached in one place when they are listed', () => {
    const listed = Object.entries(steps).filter(([, step]) => step.part === part)

    const reached = reachedIn(part).map(({ name }) => name)

    expect(reached.toSorted()).toEqual(listed.map(([name]) => name).toSorted())
  })

  test('are listed with the service that reaches them', () => {
    const ofServices = reachedIn(part).flatMap(({ name, folder }) => {
      const role = services.find((service) => service.name === folder)?.role
      return role ? [{ name, roles: [role] }] : []
    })

    expect(ofServices).not.toEqual([])
    for (const { name, roles } of ofServices)
      expect(steps[name as keyof typeof steps].roles, name).toEqual(roles)
  })
})
