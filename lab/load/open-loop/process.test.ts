import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HistoryRecord } from '../../ledger/history.ts'
import { openHistoryFile } from '../../ledger/history-file.ts'
import { Histogram } from '../histogram.ts'
import { startOpenLoop } from './process.ts'
import type { Snapshot } from './result.ts'
import { startTestService } from './testing/service.ts'

async function service() {
  const opened = await startTestService()
  onTestFinished(opened.close)
  return opened
}

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'open-loop-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function recordsOf(historyFile: string) {
  const records: HistoryRecord[] = []
  for await (const record of openHistoryFile(historyFile).records) records.push(record)
  return records
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // no such process
  }
}

const isGone = (pid: number) => waitFor(`process ${pid} to end`, () => !isAlive(pid), { timeoutMs: 8_000 })

describe('open-loop load in its own process', () => {
  test('hands over snapshots, figures and a history, and is gone afterwards', async () => {
    const { url } = await service()
    const historyFile = join(await temporaryFolder(), 'history.jsonl')
    const seen: Snapshot[] = []

    const { pid, result } = startOpenLoop(
      { url, rate: 'poisson 100/s for 1s', completion: 'response', historyFile, intervalMs: 100 },
      { onSnapshot: (snapshot) => seen.push(snapshot) },
    )
    const { counts, response, timeline } = await result
    await isGone(pid)

    expect(pid).not.toBe(process.pid)
    expect(counts.ok).toBe(counts.sent)
    expect(Histogram.from(response.ok).count).toBe(counts.ok)
    expect(seen).toEqual(timeline)
    expect(await recordsOf(historyFile)).toHaveLength(counts.ok)
  })

  test('ends on request, with what there was, marked incomplete', async () => {
    const { url } = await service()
    const abort = new AbortController()

    const { pid, result } = startOpenLoop(
      { url, rate: '100/s for 60s', completion: 'response', intervalMs: 50 },
      { signal: abort.signal, onSnapshot: ({ counts }) => counts.ok > 10 && abort.abort() },
    )
    const { is_complete, counts } = await result
    await isGone(pid)

    expect(is_complete).toBe(false)
    expect(counts.ok).toBeGreaterThan(10)
  })

  test('dies when its parent dies, and leaves the history of every order it sent', async () => {
    const { url, posts } = await service()
    const historyFile = join(await temporaryFolder(), 'history.jsonl')
    const parent = fork(fileURLToPath(new URL('./testing/parent.ts', import.meta.url)), [url, historyFile], {
      execArgv: [],
    })
    const [pid] = (await once(parent, 'message')) as [number]
    await waitFor('the generator to send orders', () => posts() > 5)

    parent.kill('SIGKILL')

    await isGone(pid)
    expect((await recordsOf(historyFile)).length).toBeGreaterThanOrEqual(posts())
  })

  test.each([
    [{ rate: 'fast' }, "rate 'fast': 'fast' has no unit"],
    [{ historyFile: '/nowhere/history.jsonl' }, 'ENOENT'],
  ])('rejects with the reason when it cannot start: %j', async (wrong, reason) => {
    const { url } = await service()

    const { pid, result } = startOpenLoop({ url, rate: '10/s for 1s', completion: 'response', ...wrong })

    await expect(result).rejects.toThrow(reason)
    await isGone(pid)
  })

  test('rejects when its process is killed, and says how', async () => {
    const { url, posts } = await service()
    const { pid, result } = startOpenLoop({ url, rate: '100/s for 60s', completion: 'response' })
    const refused = expect(result).rejects.toThrow('SIGKILL')
    await waitFor('the generator to send orders', () => posts() > 0)

    process.kill(pid, 'SIGKILL')

    await refused
  })
})
