import { describe, expect, test } from 'vitest'
import { isAbandoned, vhostName } from './rabbit-vhost.ts'

describe('virtual host of a part', () => {
  test('is not abandoned while its process runs', () => {
    expect(isAbandoned(vhostName())).toBe(false)
  })

  test('is abandoned when another process has the pid of its own', () => {
    const name = vhostName().split('.')
    name[3] = '00000000'

    expect(isAbandoned(name.join('.'))).toBe(true)
  })

  test('belongs to somebody else when it is of another machine or not of the lab', () => {
    const name = vhostName().split('.')
    name[1] = '00000000'

    expect(isAbandoned(name.join('.'))).toBe(false)
    expect(isAbandoned('/')).toBe(false)
  })
})
