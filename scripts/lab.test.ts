import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

describe('npm run lab', () => {
  test.each([
    { args: ['--help'], names: ['list', 'run', 'up', 'brokers', 'report', 'compare', '--json'] },
    { args: ['run', '--help'], names: ['--profile', '--json', '--out'] },
    { args: ['up', '--help'], names: ['--ports', '--durable'] },
    { args: ['list', '--help'], names: ['--json'] },
    { args: ['brokers', '--help'], names: ['--json'] },
    { args: ['report', '--help'], names: ['latest', '--out'] },
    { args: ['compare', '--help'], names: ['--html', '--out'] },
    { args: ['prove', '--help'], names: ['--only', '--list', '--json'] },
    { args: ['stop', '--help'], names: ['<part/name>', '--run', '--json'] },
    { args: ['dlq'], names: ['list', 'show', 'edit', 'redrive', 'discard'] },
    { args: ['mqtt', 'publish', '--help'], names: ['--broker'] },
  ])('explains itself: $args', ({ args, names }) => {
    const { status, stdout, stderr } = script('lab', args)

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const name of names) expect(stdout).toContain(name)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  test('lists the experiments of the tour, in its order and first', () => {
    const { status, stdout } = script('lab', ['list', '--json'])

    expect(status).toBe(0)
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
    expect(names.slice(0, 16)).toEqual([
      'rest-baseline',
      'rest-delay',
      'rest-failure',
      'rabbit-backlog',
      'rabbit-idempotency',
      'rabbit-dlq',
      'kafka-bulk',
      'kafka-lag',
      'kafka-replay',
      'mqtt-qos',
      'mqtt-offline',
      'mqtt-fanout',
      'redis-race',
      'redis-pubsub-loss',
      'redis-fanout',
      'compare-latency',
    ])
  })

  test('is the same as a program of its own, with nothing else on stdout', () => {
    const bin = join(ROOT, 'scripts/bin.mjs')
    const { status, stdout } = spawnSync(process.execPath, [bin, 'list', '--json'], { encoding: 'utf8' })

    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ name: 'rest-baseline' }))
  })

  test.each([
    { args: ['run', 'fault-matrix', '--only', 'banana'], says: 'no case of fault-matrix' },
    { args: ['run', 'kafka-bulk', '--nope'], says: '`npm run lab -- run --help` shows' },
  ])('refuses before anything starts, and names the help at hand: $args', ({ args, says }) => {
    const { status, stderr } = script('lab', args, { LAB_BROKERS: 'nowhere' })

    expect(status).toBe(2)
    expect(stderr).toContain(says)
  })

  test('is called in its help as it was started', () => {
    const { stdout } = script('lab', ['up', '--help'], { npm_lifecycle_event: 'npx' })

    expect(stdout).toMatch(/^Usage: npx lab up \[options\]/)
  })

  test('refuses a folder it cannot write results to before anything starts', () => {
    const { status, stderr } = script(
      'lab',
      ['run', 'kafka-bulk', '--out', join(ROOT, 'package.json/results')],
      {
        LAB_BROKERS: 'nowhere',
      },
    )

    expect(status).toBe(2)
    expect(stderr).toMatch(/^Results cannot be written to .*: not a directory/)
  })

  test.each([
    { args: ['run', 'kafka-leg'], says: "There is no experiment 'kafka-leg'. Did you mean 'kafka-lag'?" },
    {
      args: ['run', 'all', '--profile', 'quikc'],
      says: "There is no profile 'quikc'. Did you mean 'quick'?",
    },
    { args: ['up', 'sync'], says: "There is no part 'sync'. Did you mean 'sync-rest'?" },
    {
      args: ['prove', '--only', 'stok-negative'],
      says: "There is no mutation 'stok-negative'. Did you mean 'stock-negative'?",
    },
    { args: ['brokrs'], says: "There is no command 'brokrs'. Did you mean 'brokers'?" },
    { args: ['list', '--josn'], says: "unknown option '--josn'\n(Did you mean --json?)" },
    { args: ['list', 'all'], says: "Nothing here takes 'all'." },
    { args: ['help', 'brokrs'], says: "There is no command 'brokrs'. Did you mean 'brokers'?" },
  ])('exits 2 and suggests the nearest: $args', ({ args, says }) => {
    const { status, stdout, stderr } = script('lab', args)

    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(says)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })

  test('says what is wrong in one line, and where only with --verbose', () => {
    const env = { LAB_BROKERS: 'nowhere' }
    const out = mkdtempSync(join(tmpdir(), 'lab-script-test-'))
    onTestFinished(() => rmSync(out, { recursive: true }))
    const args = ['run', 'kafka-bulk', '--out', out]

    const short = script('lab', args, env)
    const long = script('lab', [...args, '--verbose'], env)

    expect([short.status, long.status]).toEqual([1, 1])
    expect(short.stderr).toContain('lab failed: LAB_BROKERS="nowhere" is not one of external, docker, local')
    expect(short.stderr).not.toContain('    at ')
    expect(long.stderr).toContain('    at ')
  })
})

describe('npm run bench', () => {
  test('explains itself', () => {
    const { status, stdout } = script('bench', ['--help'])

    expect(status).toBe(0)
    expect(stdout).toContain('throughput')
  })

  test('exits 2 for a benchmark that does not exist, and suggests one that does', () => {
    const { status, stderr } = script('bench', ['throughputs'])

    expect(status).toBe(2)
    expect(stderr).toContain("unknown command 'throughputs'\n(Did you mean throughput?)")
  })

  test('exits 2 without a benchmark, and shows which there are', () => {
    const { status, stdout, stderr } = script('bench', [])

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^ {2}ceilings .*missing command\n`npm run bench -- --help` shows/ms)
  })
})

function script(name: 'lab' | 'bench', args: string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [join(ROOT, 'scripts', `${name}.ts`), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', CI: '1', DEBUG: '', npm_lifecycle_event: name, ...env },
    timeout: 30_000,
  })
}
