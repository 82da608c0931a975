import { mutations } from '@lab/lab/prove/mutations/index.ts'
import { describe, expect, test } from 'vitest'
import { readBenchCommand } from './bench-command-line.ts'
import { readCommand } from './command-line.ts'
import { UsageError } from './suggest.ts'

const parts = ['sync-rest', 'async-rabbitmq', 'streaming-kafka']

describe('the command line of the lab', () => {
  test('is the tour over everything without arguments', () => {
    expect(readCommand([])).toMatchObject({
      kind: 'run',
      names: 'all',
      profile: 'default',
      json: false,
      out: undefined,
      verbose: false,
    })
  })

  test.each([
    { args: ['--profile', 'quick'], expected: { kind: 'run', names: 'all', profile: 'quick' } },
    {
      args: ['run', 'rest-*', 'kafka-lag', '--json'],
      expected: { names: ['rest-*', 'kafka-lag'], json: true },
    },
    { args: ['run', '--profile=full', 'all'], expected: { names: ['all'], profile: 'full' } },
    {
      args: ['run', 'fault-matrix', '--profile', 'soak', '--only', 'SIGKILL*'],
      expected: { names: ['fault-matrix'], profile: 'soak', only: 'SIGKILL*' },
    },
    { args: ['up'], expected: { kind: 'up', parts, ports: 'fixed', durable: false } },
    { args: ['up', 'sync-rest', '--ports', 'free'], expected: { parts: ['sync-rest'], ports: 'free' } },
    { args: ['up', '--durable', '--verbose'], expected: { durable: true, verbose: true } },
    { args: ['list', '--json'], expected: { kind: 'list', json: true } },
    { args: ['brokers'], expected: { kind: 'brokers', json: false } },
    { args: ['--help'], expected: { kind: 'help', topic: 'lab' } },
    { args: ['-h'], expected: { kind: 'help', topic: 'lab' } },
    { args: ['run', '--help'], expected: { kind: 'help', topic: 'run' } },
    { args: ['up', 'sync-rest', '--help'], expected: { kind: 'help', topic: 'up' } },
    { args: ['help', 'brokers'], expected: { kind: 'help', topic: 'brokers' } },
  ])('reads $args', ({ args, expected }) => {
    expect(readCommand(args)).toMatchObject(expected)
  })

  test.each([
    { args: ['rnu'], says: "There is no command 'rnu'. Did you mean 'run'?" },
    {
      args: ['run', 'x', '--profil', 'quick'],
      says: "run has no option '--profil'. Did you mean '--profile'?",
    },
    { args: ['--jsn'], says: "lab has no option '--jsn'. Did you mean '--json'?" },
    { args: ['list', '--profile', 'quick'], says: "list has no option '--profile'" },
    { args: ['run', 'x', '--profile', 'ful'], says: "There is no profile 'ful'. Did you mean 'full'?" },
    { args: ['run', 'x', '--profile'], says: "run: Option '--profile <value>' argument missing" },
    { args: ['run', 'x', '--json=yes'], says: "run: Option '--json' does not take an argument" },
    { args: ['run'], says: 'Say which experiments to run' },
    { args: ['up', 'sync-rset'], says: "There is no part 'sync-rset'. Did you mean 'sync-rest'?" },
    { args: ['up', '--ports', 'fre'], says: "There is no value of --ports 'fre'. Did you mean 'free'?" },
    { args: ['list', 'all'], says: "list takes no names, but 'all' was given" },
    { args: ['--json', 'run', 'x'], says: 'Options stand after the command' },
  ])('refuses $args', ({ args, says }) => {
    expect(() => readCommand(args)).toThrow(UsageError)
    expect(() => readCommand(args)).toThrow(says)
  })
})

describe('npm run lab -- prove', () => {
  const namesOf = (args: string[]) => {
    const command = readCommand(['prove', ...args])
    return command.kind === 'prove' ? command.mutations.map(({ name }) => name) : []
  }

  test('is every mutation, unless told', () => {
    expect(namesOf([])).toEqual(mutations.map(({ name }) => name))
    expect(readCommand(['prove'])).toMatchObject({ kind: 'prove', list: false, json: false })
  })

  test('takes names, beginnings and patterns, each once and in the order of the list', () => {
    expect(namesOf(['--only', '*-ignores-lost', '--only', 'stock*'])).toEqual([
      'stock-negative',
      'ledger-ignores-lost',
    ])
    expect(namesOf(['--only', 'ledger-ignores-lost', '--only', 'stock'])).toEqual([
      'stock-negative',
      'ledger-ignores-lost',
    ])
    expect(namesOf(['--only', 'rabbit', '--only', 'rabbit-not-mandatory'])).toEqual(
      mutations.map(({ name }) => name).filter((name) => name.startsWith('rabbit-')),
    )
  })

  test.each([
    { args: ['ledger'], says: "prove takes no names, but 'ledger' was given" },
    { args: ['--only', 'rabit'], says: "There is no mutation 'rabit'" },
    { args: ['--onyl', 'x'], says: "prove has no option '--onyl'. Did you mean '--only'?" },
  ])('refuses $args', ({ args, says }) => {
    expect(() => readCommand(['prove', ...args])).toThrow(UsageError)
    expect(() => readCommand(['prove', ...args])).toThrow(says)
  })
})

describe('the command line of the benchmarks', () => {
  test('measures all parts, ten thousand orders and then a hundred thousand, unless told', () => {
    expect(readBenchCommand(['throughput'])).toMatchObject({
      parts,
      orders: [10_000, 100_000],
      connections: 64,
    })
  })

  test('reads parts, orders and connections', () => {
    const args = ['throughput', '--part', 'sync-rest', '--part=streaming-kafka', '--orders', '500, 1000']

    expect(readBenchCommand([...args, '--connections', '8'])).toMatchObject({
      parts: ['sync-rest', 'streaming-kafka'],
      orders: [500, 1_000],
      connections: 8,
    })
  })

  test('compares with the ceilings in three rounds and follows the cost over a hundred thousand orders', () => {
    expect(readBenchCommand(['ceilings'])).toMatchObject({
      kind: 'ceilings',
      parts,
      orders: [100_000],
      rounds: 3,
    })
  })

  test('fuzzes with twenty thousand cases and a new seed, unless told', () => {
    expect(readBenchCommand(['fuzz'])).toMatchObject({ kind: 'fuzz', parts, cases: 20_000, seed: undefined })
    expect(
      readBenchCommand(['fuzz', '--cases', '9', '--seed', '0', '--case', '0', '--target', 'POST']),
    ).toMatchObject({ cases: 9, seed: 0, only: 0, target: 'POST' })
  })

  test.each([
    { args: ['fuzz', '--cases', '0'], says: "--cases: '0' is not a whole number of 1" },
    { args: ['fuzz', '--seed', 'x'], says: "--seed: 'x' is not a whole number" },
    { args: ['fuzz', '--seed', '2147483648'], says: "--seed: '2147483648' is not a whole number" },
    { args: ['ceilings', '--orders', '10,20'], says: 'ceilings takes one number' },
    { args: ['ceilings', '--rounds', '0'], says: "--rounds: '0' is not a whole number" },
    { args: [], says: 'Say which benchmark to run' },
    { args: ['thruput'], says: "Did you mean 'throughput'?" },
    { args: ['throughput', '--part', 'kafka'], says: "There is no part 'kafka'" },
    { args: ['throughput', '--orders', '10,-1'], says: "--orders: '-1' is not a whole number" },
    { args: ['throughput', '--orders', '100000000'], says: 'of 1 to 1000000' },
    { args: ['throughput', '--connections', '0'], says: "--connections: '0' is not a whole number" },
    { args: ['throughput', 'sync-rest'], says: '--part' },
  ])('refuses $args', ({ args, says }) => {
    expect(() => readBenchCommand(args)).toThrow(says)
  })
})
