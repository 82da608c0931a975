import { describe, expect, test } from 'vitest'
import { Recorder } from './recorder.ts'

const textOf = (recorder: Recorder, seq = 0) =>
  recorder
    .since(seq)
    .flatMap(({ json }) =>
      (JSON.parse(json.toString()) as [number, number, string, string][]).map(
        ([n, , , data]) => `${n} ${data}`,
      ),
    )

describe('the recorder', () => {
  test('numbers what is published, and gives it back from any number on', () => {
    const recorder = new Recorder()
    for (const word of ['a', 'b', 'c']) {
      recorder.publish('word', word)
      recorder.flush()
    }

    expect(textOf(recorder)).toEqual(['1 a', '2 b', '3 c'])
    expect(textOf(recorder, 2)).toEqual(['3 c'])
    expect(textOf(recorder, 3)).toEqual([])
  })

  test('tells nobody of an entry before it can be read', () => {
    const recorder = new Recorder()
    recorder.publish('word', 'a')
    expect(recorder.position().seq).toBe(0)

    recorder.flush()
    expect(recorder.position().seq).toBe(1)
  })

  test('forgets the oldest first, stays within its bytes, and says what it does not reach any more', () => {
    const recorder = new Recorder({ capacityBytes: 2_000 })
    for (let at = 0; at < 100; at++) {
      recorder.publish('word', 'x'.repeat(80))
      recorder.flush()
    }

    const kept = recorder.since()
    // Of memory, not of what is in use of it: a piece of Buffer's pool keeps all of the pool.
    expect(kept.reduce((sum, { json }) => sum + json.buffer.byteLength, 0)).toBeLessThanOrEqual(2_000)
    expect(kept.at(-1)!.last).toBe(100)
    expect(recorder.reaches(kept[0]!.first - 1)).toBe(true)
    expect(recorder.reaches(kept[0]!.first - 2)).toBe(false)
    expect(recorder.reaches(101)).toBe(false)
  })
})
