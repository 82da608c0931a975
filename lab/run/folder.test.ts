import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, test } from 'vitest'
import {
  copyLogs,
  createResultsFolder,
  findRun,
  listRuns,
  refuseUnwritable,
  textOf,
  writeDocument,
} from './folder.ts'
import { describeEnvironment } from './provenance.ts'
import { withDigest } from './results.ts'
import { type ExperimentRecord, Results, SCHEMA_VERSION } from './schema.ts'

describe('a folder for results', () => {
  test.each([[], ['not', 'there', 'yet']])(
    'that can be written passes, and nothing is left or made in it',
    async (...names) => {
      const base = newBase()

      await refuseUnwritable(join(base, ...names))

      expect(readdirSync(base)).toEqual([])
    },
  )

  test('under a file is refused with the reason and the way out', async () => {
    const file = join(newBase(), 'file')
    writeFileSync(file, '')

    await expect(refuseUnwritable(join(file, 'results'))).rejects.toThrow(
      /Results cannot be written to .*: not a directory\. Name another folder with --out\./,
    )
  })

  test.skipIf(process.getuid?.() !== 0)('that root itself cannot write to is refused', async () => {
    await expect(refuseUnwritable('/proc/results')).rejects.toThrow(/cannot be written to \/proc\/results/)
  })
})

describe('results.json', () => {
  test('is read back as it was written, with the environment of this machine', async () => {
    const file = join(newBase(), 'results.json')
    const results = await someResults()

    await writeDocument(file, Results, results)

    expect(Results.parse(JSON.parse(readFileSync(file, 'utf8')))).toEqual(results)
    expect(results.environment).toMatchObject({ node: process.version, cpu_count: expect.any(Number) })
  })

  test('is left as it was, without a half-written neighbour, when the new document is not valid', async () => {
    const folder = newBase()
    const file = join(folder, 'results.json')
    const results = await someResults()
    await writeDocument(file, Results, results)

    const wrong = { ...results, experiments: [{ ...results.experiments[0]!, verdict: 'splendid' as never }] }
    await expect(writeDocument(file, Results, wrong)).rejects.toThrow(/verdict/)

    expect(Results.parse(JSON.parse(readFileSync(file, 'utf8')))).toEqual(results)
    expect(readdirSync(folder)).toEqual(['results.json'])
  })

  test('is whole whenever it is read, also while it is written', async () => {
    const file = join(newBase(), 'results.json')
    const results = await someResults()
    const large = { ...results, planned: Array.from({ length: 20_000 }, (_, at) => `experiment-${at}`) }
    await writeDocument(file, Results, large)
    let reads = 0
    const writing = (async () => {
      while (reads < 30) await writeDocument(file, Results, large)
    })()

    while (reads < 30) {
      expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('schema_version', SCHEMA_VERSION)
      reads++
    }

    await writing
  })

  test('refuses another version of the schema', async () => {
    const results = { ...(await someResults()), schema_version: 99 as never }

    expect(() => textOf(Results, results)).toThrow(/schema_version/)
  })

  test('refuses a figure that JSON cannot hold where a number has to be', async () => {
    const results = await someResults()
    const [record] = results.experiments as [ExperimentRecord]

    const broken = { ...results, experiments: [{ ...record, duration_seconds: Number.NaN }] }

    expect(() => textOf(Results, broken)).toThrow(/duration_seconds/)
  })
})

describe('the folder of a run', () => {
  test('is named after the time, and a second run of that second gets one of its own', async () => {
    const base = join(newBase(), 'results')
    const at = new Date('2026-11-21T10:20:30.456Z')

    const folders = [await createResultsFolder(base, at), await createResultsFolder(base, at)]

    expect(folders.map((folder) => basename(folder))).toEqual([
      '2026-11-21T10-20-30',
      '2026-11-21T10-20-30-2',
    ])
  })

  test('gets a copy of the logs, and none when nothing was logged', async () => {
    const [run, folder, silent] = [newBase(), newBase(), newBase()]
    mkdirSync(join(run, 'logs'))
    writeFileSync(join(run, 'logs', 'order-service.log'), 'listening\n')

    await copyLogs(run, folder)
    await copyLogs(silent, silent)

    expect(readFileSync(join(folder, 'logs', 'order-service.log'), 'utf8')).toBe('listening\n')
    expect(readdirSync(silent)).toEqual([])
  })
})

async function someResults(): Promise<Results> {
  const record: ExperimentRecord = {
    name: 'rest-baseline',
    part: 'sync-rest',
    question: 'How long does one order take?',
    params: { rounds: [20] },
    started_at: '2026-11-21T10:20:31.000Z',
    duration_seconds: 1.5,
    verdict: 'holds',
    checks: [{ name: 'every order is answered 201', holds: true, detail: '20 × 201' }],
    tables: [{ title: 'Latency', columns: ['n', 'p50 ms'], rows: [[20, '4.1']] }],
    data: { p50_us: 4_100, nested: { list: [1, null, 'a'] } },
  }
  return withDigest({
    schema_version: SCHEMA_VERSION,
    run: '2026-11-21T10-20-30',
    profile: 'quick',
    started_at: '2026-11-21T10:20:30.000Z',
    ended_at: '2026-11-21T10:20:33.000Z',
    complete: true,
    environment: await describeEnvironment(),
    brokers: [{ kind: 'rabbitmq', version: '4.1.0', origin: 'local' }],
    planned: ['rest-baseline'],
    experiments: [record],
  })
}

const names = [
  '2026-11-21T10-20-30',
  '2026-11-21T10-20-30-2',
  '2026-11-21T10-20-30-10',
  '2026-11-20T09-00-00',
]

function someRuns(): string {
  const base = newBase()
  for (const name of names) {
    mkdirSync(join(base, name))
    writeFileSync(join(base, name, 'results.json'), '{}')
  }
  mkdirSync(join(base, '2026-11-22T00-00-00'))
  writeFileSync(join(base, '2026-11-22T00-00-00', 'bench.json'), '{}')
  return base
}

describe('findRun', () => {
  test.each([
    ['the name of its folder', () => names[0]!],
    ['the path of its folder', (base: string) => join(base, names[0]!)],
    ['the path of its file', (base: string) => join(base, names[0]!, 'results.json')],
  ])('finds a run by %s', async (_, word) => {
    const base = someRuns()

    expect(await findRun(word(base), base)).toBe(join(base, names[0]!, 'results.json'))
  })

  test('finds the latest run, also of several that began in one second', async () => {
    const base = someRuns()

    expect(await findRun('latest', base)).toBe(join(base, '2026-11-21T10-20-30-10', 'results.json'))
    expect(await listRuns(base)).toHaveLength(names.length)
  })

  test('suggests the nearest and names the latest when there is no such run', async () => {
    const base = someRuns()

    await expect(findRun('2026-11-20T09-00-01', base)).rejects.toThrow(
      /no run '2026-11-20T09-00-01'\. Did you mean '2026-11-20T09-00-00'\?.*latest first: 2026-11-21T10-20-30-10, /,
    )
  })

  test.each([
    ['a benchmark', '2026-11-22T00-00-00', /has no results\.json/],
    ['latest', 'latest', /There is no run in .*: `npm run lab` makes one/],
    ['anything', 'anything', /has no run yet: `npm run lab` makes one/],
  ])('says what to do about %s where there is no run', async (_, word, message) => {
    const base = word.startsWith('2026') ? someRuns() : join(newBase(), 'results')

    await expect(findRun(word, base)).rejects.toThrow(message)
  })

  test('says that a folder cannot be read', async () => {
    const base = join(newBase(), 'results')
    writeFileSync(base, 'a file')

    await expect(findRun('latest', base)).rejects.toThrow(/results cannot be read: not a directory/)
  })
})
