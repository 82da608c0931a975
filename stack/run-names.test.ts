import { describe, expect, test } from 'vitest'
import { isAbandoned, isRunName, newRunName } from './run-names.ts'

describe('the name of a run', () => {
  test('is told from every other name', () => {
    expect(isRunName(newRunName())).toBe(true)

    for (const name of ['', '/', 'order-events', 'messaging-lab', 'messaging-lab.', `${newRunName()}.x`])
      expect(isRunName(name), name).toBe(false)
  })

  test('is not abandoned while its process runs', () => {
    expect(isAbandoned(newRunName())).toBe(false)
  })

  test('is abandoned when another process has the pid of its own', () => {
    const name = newRunName().split('.')
    name[3] = '00000000'

    expect(isAbandoned(name.join('.'))).toBe(true)
  })

  test('belongs to somebody else when it is of another machine or not of the lab', () => {
    const name = newRunName().split('.')
    name[1] = '00000000'

    expect(isAbandoned(name.join('.'))).toBe(false)
    expect(isAbandoned('/')).toBe(false)
  })
})
