import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const guarded = ['--import', './scripts/require-node.mjs', 'scripts/check.ts', '--help']

const CALLS = `
  import http from 'node:http'
  import { request } from 'undici'
  const server = http.createServer((_, answer) => answer.end('direct')).listen(0, '127.0.0.1', async () => {
    const url = 'http://127.0.0.1:' + server.address().port
    const byHttp = () => new Promise((ok, no) => http.get(url, (a) => a.setEncoding('utf8').on('data', ok)).on('error', no))
    const said = [await (await fetch(url)).text(), await (await request(url)).body.text(), await byHttp()]
    process.stdout.write(said.join(' ') + ' ' + process.env.NO_PROXY.split(',').slice(0, 2))
    process.exit()
  })`
const proxied = ['--import', './scripts/require-node.mjs', '--input-type=module', '-e', CALLS]

/** The machine's own Node, where it is an older one: the case the guard is for. */
function olderNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node'].filter(existsSync).find((node) => {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout
    return Number(version.slice(1).split('.')[0]) < 24
  })
}

describe('the Node guard', () => {
  test('lets the pinned Node through', () => {
    const { status, stdout } = spawnSync(process.execPath, guarded, { cwd: root, encoding: 'utf8' })

    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage') })
  })

  test.each([
    ['as an option', [...proxied, '--use-env-proxy'], {}],
    ['in the environment', proxied, { NODE_USE_ENV_PROXY: '1' }],
  ])('calls this machine past a proxy that Node is told to use %s', (_, args, env) => {
    // Nothing listens on port 1: a call that goes there fails.
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...env, HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'example.org' },
    })

    expect({ stdout, stderr }).toEqual({ stdout: 'direct direct direct example.org,127.0.0.1', stderr: '' })
  })

  test.each([
    [{ NODE_ENV: 'production' }, 'Run `npm ci --include=dev`: NODE_ENV=production kept npm'],
    [{ npm_config_omit: 'dev' }, "Run `npm ci --include=dev`: npm's setting omit=dev kept npm"],
    [{}, 'Run `npm ci` first'],
  ])('says what to do where nothing is installed, with %j', (env, advice) => {
    const folder = mkdtempSync('/tmp/lab-guard-')
    onTestFinished(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'scripts'))
    copyFileSync(join(root, 'scripts/require-node.mjs'), join(folder, 'scripts/require-node.mjs'))

    const { status, stderr } = spawnSync(process.execPath, ['scripts/require-node.mjs'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...env },
    })

    expect(status).toBe(2)
    expect(stderr).toContain(advice)
  })

  test.skipIf(!olderNode())(
    'says one line and exits 2 on an older Node (skipped where none is installed)',
    () => {
      const { status, stdout, stderr } = spawnSync(olderNode()!, guarded, { cwd: root, encoding: 'utf8' })

      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(/^This lab runs on Node 24 and this is v\d+\.\d+\.\d+\. .*npm ci.*\n$/)
    },
  )
})
