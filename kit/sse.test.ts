import { describe, expect, test } from 'vitest'
import { createSseParser } from './sse.ts'

describe('server-sent event parser', () => {
  test('gives the same events wherever the text is cut', () => {
    const text =
      'retry: 1000\n: follow\n\nevent: orders\ndata: [1]\n\n: still here\n\nevent: orders\ndata: [2]\n\n'
    const expected = [
      { event: 'orders', data: '[1]' },
      { event: 'orders', data: '[2]' },
    ]

    for (let size = 1; size <= text.length; size++) {
      const parse = createSseParser()
      const events = []
      for (let at = 0; at < text.length; at += size) events.push(...parse(text.slice(at, at + size)))
      expect(events).toEqual(expected)
    }
  })

  test('keeps an event that is not complete for later', () => {
    const parse = createSseParser()

    expect(parse('event: orders\ndata: [1')).toEqual([])
    expect(parse(']\n\n')).toEqual([{ event: 'orders', data: '[1]' }])
  })

  test('joins the data lines of one event', () => {
    expect(createSseParser()('data: a\ndata: b\n\n')).toEqual([{ event: 'message', data: 'a\nb' }])
  })
})
