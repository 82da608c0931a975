import { describe, expect, test } from 'vitest'
import { plant } from './plant.ts'
import { checkScripts } from './scripts.ts'

describe('scripts', () => {
  test('hold when each answers --help', async () => {
    using planted = plant({ 'scripts/good.ts': `if (process.argv[2] === '--help') console.log('Usage')` })

    expect(await checkScripts(planted.root)).toEqual([])
  })

  test('name the one that fails, the one that says nothing and the one that does not end', async () => {
    using planted = plant({
      'scripts/broken.ts': `process.exit(1)`,
      'scripts/hanging.ts': `setInterval(() => {}, 1_000)`,
      'scripts/silent.ts': `export {}`,
    })

    expect(
      (await checkScripts(planted.root, 10_000)).map(({ file, message }) => `${file} ${message.trim()}`),
    ).toEqual([
      'scripts/broken.ts --help: exit 1',
      'scripts/hanging.ts --help: did not end within 10000 ms',
      'scripts/silent.ts --help: exit 0',
    ])
  })
})
