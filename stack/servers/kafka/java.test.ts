import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newBase } from '../../fixtures/lab.ts'
import { findJava, parseJavaMajor, withoutJavaOptions } from './java.ts'

describe('version of Java', () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['openjdk version "25-ea" 2025-09-16', 25],
    ['java version "1.8.0_402"', 8],
    ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
  ])('reads %s', (output, major) => {
    expect(parseJavaMajor(output)).toBe(major)
  })
})

const real = await findJava(process.env)

describe.skipIf(!real)('Java', () => {
  test.each(['JAVA_TOOL_OPTIONS', 'JDK_JAVA_OPTIONS', '_JAVA_OPTIONS'])(
    'is found when %s loads an agent that is not there',
    async (name) => {
      expect(await findJava({ ...process.env, [name]: '-javaagent:/none.jar' })).toEqual(real)
    },
  )

  test('is the real one behind a stand-in that needs the environment of the user', async () => {
    const home = newBase()
    const stub = join(home, 'java')
    writeFileSync(stub, `#!/bin/sh\n[ -n "$VERSIONS" ] && exec ${real!.command} "$@"\n`)
    chmodSync(stub, 0o755)

    const found = await findJava({ PATH: `${home}:/usr/bin:/bin`, VERSIONS: 'x' })

    expect(found).toEqual(real)
  })
})

test('takes the options of Java from an environment, and nothing else', () => {
  expect(withoutJavaOptions({ JAVA_TOOL_OPTIONS: '-x', CLASSPATH: '/a', JAVA_HOME: '/b' })).toEqual({
    JAVA_HOME: '/b',
  })
})
