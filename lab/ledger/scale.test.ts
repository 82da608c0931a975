import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('./testing/scale.ts', import.meta.url))

/** A small heap: garbage then says nothing, and what has to be kept cannot hide in it. */
const smallHeap = ['--max-old-space-size=64', '--max-semi-space-size=8']

async function check(
  orders: number,
): Promise<{ verdict: string; intended: number; cpuMs: number; mebibytes: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [...smallHeap, script, String(orders)])
  return JSON.parse(stdout)
}

test('the ledger checks a million orders in less than 500 MB, at the same cost an order as a few', async () => {
  const small = await check(50_000)
  const large = await check(200_000)

  for (const run of [small, large]) expect(run.verdict).toBe('balanced')
  expect(large.intended).toBe(200_000)
  const mebibytesPerOrder = (large.mebibytes - small.mebibytes) / 150_000
  expect(large.mebibytes + 800_000 * Math.max(0, mebibytesPerOrder)).toBeLessThan(500)
  expect(large.cpuMs / small.cpuMs).toBeLessThan(4 * 1.5)
})
