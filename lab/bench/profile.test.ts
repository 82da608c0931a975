import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { aggregate, type CpuProfile } from './profile.ts'

const ROOT = pathToFileURL(resolve(import.meta.dirname, '../..')).href
const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber })
const nodes = [
  frame('(idle)'),
  frame('(garbage collector)'),
  frame('run', `${ROOT}/node_modules/@scope/thing/index.js`, 9),
  frame('', `${ROOT}/kit/store.ts`, 24),
  frame('writev'),
  frame('push', 'node:internal/streams', 3),
  // The same function, called from elsewhere.
  frame('run', `${ROOT}/node_modules/@scope/thing/index.js`, 9),
  frame('deep', `${ROOT}/node_modules/outer/node_modules/inner/a.js`, 0),
].map((callFrame, at) => ({ id: at + 1, callFrame }))

const everything = { fromUs: 0, toUs: Number.POSITIVE_INFINITY }
const profiled = (samples: [id: number, us: number][], window = everything) => {
  const profile: CpuProfile = {
    nodes,
    startTime: 1_000,
    samples: samples.map(([id]) => id),
    timeDeltas: samples.map(([, us]) => us),
  }
  return aggregate('service', profile, window)
}

describe('a profile', () => {
  test('adds up self time by function, wherever it was called from, and leaves idle time out of the shares', () => {
    const { functions, busy_ms, idle_ms } = profiled([
      [1, 90_000],
      [3, 2_000],
      [4, 5_000],
      [7, 3_000],
    ])

    expect({ busy_ms, idle_ms }).toEqual({ busy_ms: 10, idle_ms: 90 })
    expect(functions).toEqual([
      { name: 'run', file: 'node_modules/@scope/thing/index.js:10', self_ms: 5, share: 0.5 },
      { name: '(anonymous)', file: 'kit/store.ts:25', self_ms: 5, share: 0.5 },
    ])
  })

  test('adds up by package: installed ones, folders of the repository, node, V8', () => {
    const { packages } = profiled([2, 3, 4, 5, 6, 8].map((id, at) => [id, (9 - at) * 1_000]))

    expect(packages.map(({ name }) => name)).toEqual([
      'V8 (garbage collector)',
      '@scope/thing',
      'kit',
      'node (native)',
      'node',
      'inner',
    ])
  })

  test('counts nothing from before or after the load', () => {
    const samples: [number, number][] = [
      [3, 1_000],
      [4, 1_000],
      [5, 1_000],
    ]
    const { functions } = profiled(samples, { fromUs: 2_500, toUs: 3_500 })

    expect(functions.map(({ name }) => name)).toEqual(['(anonymous)'])
  })

  test('names the ten functions with the most', () => {
    expect(profiled(nodes.map(({ id }) => [id, 1_000])).functions.length).toBeLessThanOrEqual(10)
    expect(profiled([]).functions).toEqual([])
  })
})
