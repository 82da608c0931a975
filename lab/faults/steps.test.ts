import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parts } from '../../parts.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const stepped = parts.filter(({ steps }) => steps !== undefined)

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

describe.each(stepped)('the steps of $name', ({ name: part, services, steps = {} }) => {
  test('are listed when they are reached, and reached in one place when they are listed', () => {
    const reached = reachedIn(part).map(({ name }) => name)

    expect(reached.toSorted()).toEqual(Object.keys(steps).toSorted())
  })

  test('are listed with the service that reaches them', () => {
    const ofServices = reachedIn(part).flatMap(({ name, folder }) => {
      return services.some((service) => service.name === folder) ? [{ name, folder }] : []
    })

    expect(ofServices).not.toEqual([])
    for (const { name, folder } of ofServices) expect(steps[name]?.services, name).toEqual([folder])
  })
})
