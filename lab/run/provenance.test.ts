import { afterEach, expect, test, vi } from 'vitest'
import { describeEnvironment } from './provenance.ts'

afterEach(() => vi.unstubAllEnvs())

test('the commit is that of this repository, whatever a git hook or the owner of the folder says', async () => {
  const { git_commit } = await describeEnvironment()

  vi.stubEnv('GIT_DIR', '/nowhere')
  vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1')

  expect((await describeEnvironment()).git_commit).toBe(git_commit)
})
