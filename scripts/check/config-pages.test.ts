import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkConfigPages, writeConfigPages } from './config-pages.ts'
import { plant } from './plant.ts'

const config = (fields: string) => `import { z } from 'zod'
const port = z.coerce.number().int().min(0)
export const schema = z.object({
  HOST: z.string().default('127.0.0.1').describe('Address'),
  PORT: port.default(8000).describe('Port'),
  ${fields}
})`

const services = {
  'sync-rest/order-service/config.ts': config(
    `UPSTREAM_URL: z.url().describe('Where inventory | stock answers'),`,
  ),
  'sync-rest/inventory-service/config.ts': config(
    `DATA_DIR: z.string().optional().describe('Folder'), STOCK: z.string().default('burger=1').transform((text) => [text]).describe('Stock'),`,
  ).replace('8000', '8001'),
}

describe('config-pages', () => {
  test('hold after they were written, and say what the schemas say', async () => {
    using planted = plant(services)

    await writeConfigPages(planted.root)

    expect(await checkConfigPages(planted.root)).toEqual([])
    const page = readFileSync(join(planted.root, 'docs/configuration.md'), 'utf8')
    expect(page.split('\n').filter((line) => /^#|^\| `/.test(line))).toEqual([
      '# Configuration',
      '## Every service',
      '| `HOST` | `127.0.0.1` | Address |',
      '## `sync-rest/order-service`',
      '| `PORT` | `8000` | Port |',
      '| `UPSTREAM_URL` | **required** | Where inventory \\| stock answers |',
      '## `sync-rest/inventory-service`',
      '| `PORT` | `8001` | Port |',
      '| `DATA_DIR` | not set | Folder |',
      '| `STOCK` | `burger=1` | Stock |',
    ])
    expect(readFileSync(join(planted.root, '.env.example'), 'utf8')).toContain('# UPSTREAM_URL=\n')
  })

  test('name the pages that are stale or missing', async () => {
    using planted = plant({ ...services, 'docs/configuration.md': '# Configuration of last week\n' })

    expect(await checkConfigPages(planted.root)).toEqual([
      { file: 'docs/configuration.md', message: expect.stringMatching(/^differs/) },
      { file: '.env.example', message: expect.stringMatching(/^is missing/) },
    ])
  })

  test('hold after a part was deleted, but not after a schema changed', async () => {
    using planted = plant({ ...services, 'async-rabbitmq/order-service/config.ts': config('') })
    await writeConfigPages(planted.root)
    rmSync(join(planted.root, 'async-rabbitmq'), { recursive: true })

    expect(await checkConfigPages(planted.root)).toEqual([])

    using changed = plant({ ...services, 'docs/configuration.md': '', '.env.example': '' })
    expect(await checkConfigPages(changed.root)).toHaveLength(2)
  })

  test('refuse a variable without a description', async () => {
    using planted = plant({ 'sync-rest/order-service/config.ts': config('SECRET: z.string(),') })

    await expect(checkConfigPages(planted.root)).rejects.toThrow('SECRET has no .describe()')
  })
})
