import type { Experiment } from '@lab/lab/experiments/experiment.ts'
import { describe, expect, test } from 'vitest'
import { chooseExperiments } from './choose.ts'

const experiments = [
  ['rest-baseline', 'sync-rest'],
  ['rest-delay', 'sync-rest'],
  ['rabbit-backlog', 'async-rabbitmq'],
  ['kafka-delay', 'streaming-kafka'],
].map(([name, part]) => ({ name, part }) as Experiment)

const namesOf = (words: string[] | 'all') => chooseExperiments(words, experiments).map(({ name }) => name)

describe('chooseExperiments', () => {
  test.each([
    { what: 'a name', words: ['rest-delay'], chosen: ['rest-delay'] },
    { what: 'a part', words: ['sync-rest'], chosen: ['rest-baseline', 'rest-delay'] },
    { what: 'a beginning', words: ['rabbit'], chosen: ['rabbit-backlog'] },
    { what: 'a pattern', words: ['*-delay'], chosen: ['rest-delay', 'kafka-delay'] },
    { what: 'all', words: ['all'], chosen: experiments.map(({ name }) => name) },
    {
      what: 'the same twice',
      words: ['kafka-delay', 'rest', 'sync-rest'],
      chosen: ['rest-baseline', 'rest-delay', 'kafka-delay'],
    },
  ])('understands $what', ({ words, chosen }) => {
    expect(namesOf(words)).toEqual(chosen)
  })

  test.each([
    { word: 'rest-basline', nearest: 'rest-baseline' },
    { word: 'rest-baselin', nearest: 'rest-baseline' },
    { word: 'sync-res', nearest: 'sync-rest' },
    { word: 'rst-*', nearest: 'rest-delay' },
  ])("suggests $nearest for '$word'", ({ word, nearest }) => {
    expect(() => namesOf(['rest-delay', word])).toThrow(`Did you mean '${nearest}'?`)
  })

  test('takes what stands for something in a pattern as itself', () => {
    expect(() => namesOf(['rest.delay'])).toThrow('There is no experiment')
    expect(() => namesOf(['rest[-]*'])).toThrow('There is no experiment')
  })
})
