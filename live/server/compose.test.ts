import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from './config.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (part: string) => readFileSync(join(ROOT, part, 'docker-compose.yml'), 'utf8')

describe('the compose file of the live page', () => {
  test('tells its server where each service of the three styles is, by its name and port in their own files', () => {
    const [, folded = ''] = /LIVE_PARTS: >-\n([\s\S]*?)\n {4}ports:/.exec(read('live')) ?? []
    const text = folded.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')

    const { LIVE_PARTS } = loadConfig({ LIVE_PARTS: text })

    expect(LIVE_PARTS.map(({ name }) => name)).toEqual(['sync-rest', 'async-rabbitmq', 'streaming-kafka'])
    for (const { name, services } of LIVE_PARTS) {
      for (const url of Object.values(services)) {
        const { hostname, port } = new URL(url)
        expect(read(name)).toMatch(new RegExp(`\\n  ${hostname}:\\n(?: {4}.*\\n|\\n)*? {6}PORT: ${port}\\n`))
      }
    }
  })

  test('has no token to guess', () => {
    expect(read('live')).toMatch(/\n {6}ADMIN_TOKEN: \$\{ADMIN_TOKEN:-\}\n/)
  })
})
