import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parts } from '../../parts.ts'
import { checkDocs } from './docs.ts'
import { plant } from './plant.ts'

const decisions = (...names: string[]) =>
  `# Decisions\n\n## Dependencies\n\n| package | why |\n|---|---|\n${names.map((name) => `| \`${name}\` | needed |\n`).join('')}`

const manifest = JSON.stringify({
  type: 'module',
  scripts: { lab: 'node scripts/lab.ts', test: 'vitest run' },
  dependencies: { zod: '4.6.7' },
})

const clean = {
  'package.json': manifest,
  'docs/decisions.md': decisions('zod'),
  'scripts/lab.ts': `process.stdout.write('Usage\\n\\n  up [part]   starts\\n  run <name>  runs\\n')`,
  ...Object.fromEntries(parts.map(({ name }) => [`${name}/package.json`, '{}'])),
  'sync-rest/order-service/routes.ts': `export const routes = ['/order', '/orders/:order_id']`,
  'lab/experiments/rest-delay.ts': 'export {}',
  'README.md': `# The \`lab\`: start here

[down](#the-lab-start-here), [decisions](docs/decisions.md#dependencies), [web](https://example.org/none)

\`\`\`sh
npm ci && npm run lab        # about three minutes
npm run lab -- run rest-delay --profile full
$ curl -s localhost:8000/orders/<id> | npx vitest
PORT=0 node scripts/lab.ts
\`\`\`

\`[not a link](nowhere.md)\`
`,
}

async function messages(files: Record<string, string>): Promise<string[]> {
  using planted = plant({ ...clean, ...files })
  return (await checkDocs(planted.root)).map(({ file, line, message }) =>
    line === undefined ? `${file} ${message}` : `${file}:${line} ${message}`,
  )
}

const command = (line: string) => ({ 'docs/how.md': `\`\`\`sh\n${line}\n\`\`\`\n` })

describe('docs', () => {
  test('may speak of a part that was deleted', async () => {
    using planted = plant({
      ...clean,
      'docs/how.md':
        '[a](../streaming-kafka-2/README.md) [b](../sync-rest/README.md)\n\n```sh\ncd sync-rest\n```\n',
    })
    rmSync(join(planted.root, 'sync-rest'), { recursive: true })

    expect((await checkDocs(planted.root)).map(({ message }) => message)).toEqual([
      'broken link: ../streaming-kafka-2/README.md',
    ])
  })

  test('hold on a clean tree', async () => {
    expect(await messages({})).toEqual([])
  })

  test.each([
    ['[a](missing.md)', 'broken link: missing.md'],
    ['![a](missing.png)', 'broken link: missing.png'],
    ['[a][b]\n\n[b]: missing.md', 'broken link: missing.md'],
    ['<img src="missing.svg">', 'broken link: missing.svg'],
    ['[a](#nothing)', 'broken link: docs/how.md has no heading for #nothing'],
    ['[a](../README.md#nothing)', 'broken link: README.md has no heading for #nothing'],
    ['[a](../../outside.md)', 'link leaves the repository: ../../outside.md'],
  ])('refuse the link %j', async (text, message) => {
    expect(await messages({ 'docs/how.md': text })).toEqual([expect.stringContaining(message)])
  })

  test.each([
    ['npm run demo', `no npm script 'demo'`],
    ['npm start', `no npm script 'start'`],
    ['npm ci && npm run lab -- bench', "`npm run lab` has no 'bench'"],
    ['npm run lab -- run rest-dealy', `no experiment 'rest-dealy'`],
    ['npx no-such-tool', 'npx no-such-tool: nothing installed has that name'],
    ["curl -X POST 'http://localhost:8000/ordr'", 'no service answers /ordr'],
    ['node scripts/missing.ts', 'there is no scripts/missing.ts'],
  ])('refuse the command %j', async (line, message) => {
    expect(await messages(command(line))).toEqual([`docs/how.md:2 ${message}`])
  })

  test('refuse a dependency without a decision and a decision without a dependency', async () => {
    expect(await messages({ 'docs/decisions.md': decisions('fastify') })).toEqual([
      `docs/decisions.md no row for the dependency 'zod'`,
      `docs/decisions.md a row for 'fastify', which nothing depends on`,
    ])
  })

  test('refuse the traces of one machine', async () => {
    const host = ['registry', 'npmjs', 'org'].join('.')
    const lock = { packages: { 'node_modules/zod': { resolved: `https://${host}/zod.tgz` } } }

    expect(
      await messages({
        'common/a.ts': `export const cache = '${['', 'home', 'me'].join('/')}'\n`,
        'package-lock.json': JSON.stringify(lock),
      }),
    ).toEqual([
      expect.stringContaining('common/a.ts:1 names a path'),
      expect.stringContaining('package-lock.json:1 names a registry host'),
      expect.stringContaining('node_modules/zod is resolved from a host'),
    ])
  })
})
