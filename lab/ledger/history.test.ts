import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHistoryFile, type HistoryRecord, openHistoryFile } from './history.ts'
import { observedOf, play, promises, type Step } from './testing/world.ts'
import { compare } from './verdict.ts'

async function aFile(text?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'history-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'history.jsonl')
  if (text !== undefined) await writeFile(path, text)
  return path
}

async function read(path: string): Promise<{ records: HistoryRecord[]; isComplete: boolean }> {
  const file = openHistoryFile(path)
  const records: HistoryRecord[] = []
  for await (const record of file.records) records.push(record)
  return { records, isComplete: file.isComplete() }
}

const record = (n: number): HistoryRecord => ({
  n,
  outcome: 'ok',
  item: 'burger',
  quantity: 1,
  order_id: `order-${n}`,
})
const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

describe('history file', () => {
  test('gives back what was written, and says that it is complete', async () => {
    const path = await aFile()
    const file = await createHistoryFile(path)
    const records = Array.from({ length: 5_000 }, (_, n) => record(n))
    for (const one of records) file.write(one)
    await file.close()

    expect(await read(path)).toEqual({ records, isComplete: true })
  })

  test('whose writer was killed gives what is there, without the half line at its end', async () => {
    const whole = lines(record(0), record(1))

    expect(await read(await aFile(whole))).toEqual({ records: [record(0), record(1)], isComplete: false })
    expect(await read(await aFile(whole + JSON.stringify(record(2)).slice(0, 20)))).toEqual({
      records: [record(0), record(1)],
      isComplete: false,
    })
  })

  test('that does not exist is an error, and one that exists is never overwritten', async () => {
    const path = await aFile('precious')

    await expect(read(`${path}.missing`)).rejects.toThrow('ENOENT')
    await expect(createHistoryFile(path)).rejects.toThrow('EEXIST')
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  test('that does not fit on the disk fails the run in words', async () => {
    const file = await createHistoryFile('/dev/full').catch((err) => err)
    if (file instanceof Error) return expect(file.message).toContain('/dev/full')
    file.write(record(0))

    await expect(file.close()).rejects.toThrow(/the history '\/dev\/full' is incomplete: .*ENOSPC/)
  })

  test('can be checked again, alone with what was observed', async () => {
    const step: Step = { how: 'ok', item: 'salad', quantity: 1, key: 1, isRepeated: false }
    const world = play([step, step])
    const path = await aFile()
    const file = await createHistoryFile(path)
    for (const one of world.history) file.write(one)
    await file.close()
    expect((await compare(openHistoryFile(path), observedOf(world), promises)).verdict).toBe('balanced')

    const [lost] = world.orders.splice(0, 1)
    world.decisions.shift()
    world.updates.splice(0, 2)
    world.notifications.shift()
    world.stock.left.salad += 1

    const { anomalies } = await compare(openHistoryFile(path), observedOf(world), promises)
    expect(anomalies).toMatchObject([{ type: 'lost', orders: [{ order: lost?.order_id }] }])
  })
})
