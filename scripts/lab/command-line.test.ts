import { mutations } from '@lab/lab/prove/mutations/index.ts'
import type { Mutation } from '@lab/lab/prove/prove.ts'
import { type Command, CommanderError } from 'commander'
import { describe, expect, test, vi } from 'vitest'
import { benchProgram } from './bench.ts'
import { labProgram } from './program.ts'

vi.stubEnv('npm_lifecycle_event', 'lab')

/** What a command line is read as; nothing of it is done. */
async function read(program: Command, args: string[]): Promise<Record<string, unknown>> {
  let found = {}
  for (const command of [program, ...program.commands])
    command.action(() => {
      found = {
        command: command === program ? 'tour' : command.name(),
        args: command.processedArgs,
        ...command.opts(),
      }
    })
  await program.parseAsync(args, { from: 'user' })
  return found
}

const readLab = (args: string[]) => read(labProgram(), args)
const readBench = (args: string[]) => read(benchProgram(), args)

/** The help that a command line shows. */
async function helpOf(args: string[]): Promise<string> {
  const program = labProgram()
  let shown = ''
  for (const command of [program, ...program.commands])
    command.configureOutput({
      writeOut: (text) => {
        shown += text
      },
    })
  await expect(read(program, args)).rejects.toMatchObject({ exitCode: 0 })
  return shown
}

describe('the command line of the lab', () => {
  test('is the tour over everything without arguments', async () => {
    expect(await readLab([])).toEqual({ command: 'tour', args: [], profile: 'default', against: 'processes' })
  })

  test.each([
    { args: ['--profile', 'quick'], expected: { command: 'tour', profile: 'quick' } },
    {
      args: ['run', 'rest-*', 'kafka-lag', '--json'],
      expected: { command: 'run', args: [['rest-*', 'kafka-lag']], json: true, profile: 'default' },
    },
    { args: ['run', '--profile=full', 'all'], expected: { args: [['all']], profile: 'full' } },
    {
      args: ['run', 'fault-matrix', '--profile', 'soak', '--only', 'SIGKILL*'],
      expected: { args: [['fault-matrix']], profile: 'soak', only: 'SIGKILL*' },
    },
    { args: ['run', 'x', '--against', 'compose'], expected: { against: 'compose' } },
    { args: ['up'], expected: { command: 'up', args: [[]], ports: 'fixed', page: true } },
    { args: ['up', 'sync-rest', '--ports', 'free'], expected: { args: [['sync-rest']], ports: 'free' } },
    { args: ['up', '--ports', '9000', '--page-port', '9999'], expected: { ports: 9_000, pagePort: 9_999 } },
    {
      args: ['up', '--durable', '--no-page', '--verbose'],
      expected: { durable: true, page: false, verbose: true },
    },
    { args: ['list', '--json'], expected: { command: 'list', json: true } },
    { args: ['brokers'], expected: { command: 'brokers', args: [] } },
    {
      args: ['kill', 'sync-rest/order-service', '--run', 'x'],
      expected: { command: 'kill', args: ['sync-rest/order-service'], run: 'x' },
    },
  ])('reads $args', async ({ args, expected }) => {
    expect(await readLab(args)).toMatchObject(expected)
  })

  test.each([
    { args: ['--help'], shows: 'npm run lab -- [command]' },
    { args: ['-h'], shows: 'npm run lab -- [command]' },
    { args: ['run', '--help'], shows: 'npm run lab -- run' },
    { args: ['up', 'sync-rest', '--help'], shows: 'npm run lab -- up' },
    { args: ['help', 'brokers'], shows: 'npm run lab -- brokers' },
    { args: ['help', 'dlq'], shows: 'npm run lab -- dlq' },
  ])('explains $args', async ({ args, shows }) => {
    expect(await helpOf(args)).toContain(`Usage: ${shows}`)
  })

  test.each([
    { args: ['run', 'x', '--profil', 'quick'], says: "unknown option '--profil'\n(Did you mean --profile?)" },
    { args: ['--jsn'], says: "unknown option '--jsn'\n(Did you mean --json?)" },
    { args: ['list', '--profile', 'quick'], says: /unknown option '--profile'$/ },
    { args: ['run', 'x', '--profile', 'ful'], says: "There is no profile 'ful'. Did you mean 'full'?" },
    { args: ['run', 'x', '--profile'], says: "option '--profile <name>' argument missing" },
    { args: ['run', 'x', '--json=yes'], says: "unknown option '--json=yes'" },
    { args: ['run', 'x', '--out', '--json'], says: "option '--out <folder>' argument '--json' is invalid" },
    { args: ['run'], says: "missing required argument 'experiment'" },
    { args: ['up', 'sync-rset'], says: "There is no part 'sync-rset'. Did you mean 'sync-rest'?" },
    { args: ['up', '--ports', 'fre'], says: "There is no value of --ports 'fre'. Did you mean 'free'?" },
    {
      args: ['up', '--ports', '80'],
      says: "option '--ports <which>' argument '80' is invalid. '80' is not a port",
    },
    { args: ['up', '--page-port', '65536'], says: "'65536' is not a port of 1024 to 65535" },
    {
      args: ['up', '--no-page', '--page-port', '9000'],
      says: "option '--page-port <n>' cannot be used with option '--no-page'",
    },
    { args: ['list', 'all'], says: "too many arguments for 'list'" },
    { args: ['stop'], says: "missing required argument 'part/name'" },
    { args: ['--json', 'run', 'x'], says: 'Options stand after the command: npm run lab -- run …' },
  ])('refuses $args', async ({ args, says }) => {
    await expect(readLab(args)).rejects.toThrow(CommanderError)
    await expect(readLab(args)).rejects.toThrow(says)
  })

  test.each([
    { args: ['rnu'], says: "There is no command 'rnu'. Did you mean 'run'?" },
    { args: ['banana'], says: /There is no command 'banana'\. Known: / },
    { args: ['dlq', 'lst'], says: "There is no command 'lst'. Did you mean 'list'?" },
  ])('knows no command $args', async ({ args, says }) => {
    await expect(labProgram().parseAsync(args, { from: 'user' })).rejects.toThrow(says)
  })

  test('hands a part its arguments as they are', async () => {
    const program = labProgram()
    const redrive = program.commands
      .find((one) => one.name() === 'dlq')
      ?.commands.find((one) => one.name() === 'redrive')
    let args: unknown
    redrive?.action((given) => {
      args = given
    })

    await program.parseAsync(['live', 'redrive', 'a', '--batch', '5', 'b', '--json', '--help'], {
      from: 'user',
    })

    expect(args).toEqual(['a', '--batch', '5', 'b', '--json', '--help'])
  })
})

describe('npm run lab -- prove', () => {
  const namesOf = async (args: string[]) => {
    const { only } = await readLab(['prove', ...args])
    return (only as Mutation[]).map(({ name }) => name)
  }

  test('is every mutation, unless told', async () => {
    expect(await readLab(['prove'])).toEqual({ command: 'prove', args: [] })
  })

  test('takes names, beginnings and patterns', async () => {
    expect(await namesOf(['--only', '*-ignores-lost', '--only', 'stock*'])).toEqual([
      'ledger-ignores-lost',
      'stock-negative',
    ])
    expect(await namesOf(['--only', 'ledger-ignores-lost', '--only', 'stock'])).toEqual([
      'ledger-ignores-lost',
      'stock-negative',
    ])
    expect(await namesOf(['--only', 'rabbit'])).toEqual(
      mutations.map(({ name }) => name).filter((name) => name.startsWith('rabbit-')),
    )
  })

  test.each([
    { args: ['ledger'], says: "too many arguments for 'prove'" },
    { args: ['--only', 'rabit'], says: "There is no mutation 'rabit'" },
    { args: ['--onyl', 'x'], says: "unknown option '--onyl'\n(Did you mean --only?)" },
  ])('refuses $args', async ({ args, says }) => {
    await expect(readLab(['prove', ...args])).rejects.toThrow(says)
  })
})

describe('the command line of the benchmarks', () => {
  test('measures ten thousand orders and then a hundred thousand, unless told', async () => {
    expect(await readBench(['throughput'])).toEqual({
      command: 'throughput',
      args: [],
      orders: [10_000, 100_000],
      connections: 64,
    })
  })

  test('reads parts, orders and connections', async () => {
    const args = ['throughput', '--part', 'sync-rest', '--part=streaming-kafka', '--orders', '500, 1000']

    expect(await readBench([...args, '--connections', '8'])).toMatchObject({
      part: ['sync-rest', 'streaming-kafka'],
      orders: [500, 1_000],
      connections: 8,
    })
  })

  test('compares with the ceilings in three rounds and follows the cost over a hundred thousand orders', async () => {
    expect(await readBench(['ceilings'])).toMatchObject({
      command: 'ceilings',
      orders: 100_000,
      rounds: 3,
    })
  })

  test('fuzzes with twenty thousand cases and a new seed, unless told', async () => {
    expect(await readBench(['fuzz'])).toEqual({ command: 'fuzz', args: [], cases: 20_000 })
    expect(
      await readBench(['fuzz', '--cases', '9', '--seed', '0', '--case', '0', '--target', 'POST']),
    ).toMatchObject({ cases: 9, seed: 0, case: 0, target: 'POST' })
  })

  test.each([
    {
      args: ['fuzz', '--cases', '0'],
      says: "option '--cases <n>' argument '0' is invalid. '0' is not a whole number of 1",
    },
    { args: ['fuzz', '--seed', 'x'], says: "option '--seed <n>' argument 'x' is invalid" },
    { args: ['fuzz', '--seed', '2147483648'], says: "'2147483648' is not a whole number of 0 to 2147483647" },
    { args: ['ceilings', '--orders', '10,20'], says: "'10,20' is not a whole number" },
    { args: ['ceilings', '--rounds', '0'], says: "option '--rounds <n>' argument '0' is invalid" },
    { args: ['mqtt', '--connections', '8'], says: "unknown option '--connections'" },
    { args: ['thruput'], says: '(Did you mean throughput?)' },
    { args: ['throughput', '--part', 'kafka'], says: "There is no part 'kafka'" },
    { args: ['throughput', '--orders', '10,-1'], says: "'-1' is not a whole number" },
    { args: ['throughput', '--orders', '100000000'], says: 'of 1 to 1000000' },
    {
      args: ['throughput', '--connections', '0'],
      says: "option '--connections <n>' argument '0' is invalid",
    },
    { args: ['throughput', 'sync-rest'], says: "too many arguments for 'throughput'" },
  ])('refuses $args', async ({ args, says }) => {
    const program = benchProgram()
    for (const command of program.commands) command.action(() => {})

    await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow(says)
  })
})
