import type { Experiment, ProfileName } from '@lab/lab/experiments/experiment.ts'
import { experiments as real } from '@lab/lab/experiments/index.ts'
import { describe, expect, test } from 'vitest'
import { chooseExperiments, refuseUnfit } from './run.ts'

const experiments = [
  ['rest-baseline', 'sync-rest'],
  ['rest-delay', 'sync-rest'],
  ['rabbit-backlog', 'async-rabbitmq'],
  ['kafka-delay', 'streaming-kafka'],
].map(([name, part]) => ({ name, part }) as Experiment)

const namesOf = (words: string[]) => chooseExperiments(words, experiments).map(({ name }) => name)

describe('--only', () => {
  const chosen = real.filter(({ name }) => name === 'fault-matrix')
  const refuse = (profile: ProfileName, only: string) => () =>
    refuseUnfit(chosen, { profile, only, against: 'processes' }, real)

  test.each(['SIGKILL*', 'sigkill inventory', '* × Kafka', 'queue deleted, sell-out'])('takes %j', (only) => {
    expect(refuse('default', only)).not.toThrow()
  })

  test.each(['default', 'quick', 'soak'] as const)('refuses what fits nothing in profile %s', (profile) => {
    expect(refuse(profile, 'banana')).toThrow(
      `no case of fault-matrix (profile ${profile}) is like 'banana'. There`,
    )
  })

  test('refuses a cell that the profile leaves out', () => {
    expect(refuse('quick', 'SIGSTOP the broker')).toThrow('(profile quick)')
  })

  test('suggests the fault that was meant', () => {
    expect(refuse('default', 'SIGKIL inventory')).toThrow("Did you mean 'SIGKILL inventory'?")
  })
})

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
  ])("suggests $nearest for '$word'", ({ word, nearest }) => {
    expect(() => namesOf(['rest-delay', word])).toThrow(`Did you mean '${nearest}'?`)
  })

  test('takes what stands for something in a pattern as itself', () => {
    expect(() => namesOf(['rest.delay'])).toThrow('There is no experiment')
    expect(() => namesOf(['rest[-]*'])).toThrow('There is no experiment')
  })
})

describe('refuseUnfit', () => {
  const plain = { name: 'rest-delay', profiles: { default: {} } } as unknown as Experiment
  const many = {
    name: 'fault-matrix',
    profiles: { default: { only: '*' }, soak: {} },
  } as unknown as Experiment
  const alone = { ...plain, name: 'mqtt-qos', part: 'pubsub-mqtt', isOfServer: true } as unknown as Experiment
  const processes = { profile: 'default' as ProfileName, only: undefined, against: 'processes' as const }
  const refuse = (chosen: Experiment[], command: Partial<Parameters<typeof refuseUnfit>[1]>) => () =>
    refuseUnfit(chosen, { ...processes, ...command }, [plain, many])

  test('takes what fits', () => {
    expect(refuse([plain, many], { profile: 'default', only: undefined })).not.toThrow()
    expect(refuse([many], { profile: 'soak', only: 'SIGKILL*' })).not.toThrow()
  })

  test('says why what asks a server alone is not run against containers', () => {
    expect(refuse([plain, alone], {})).not.toThrow()
    expect(refuse([plain], { against: 'compose' })).not.toThrow()
    expect(refuse([plain, alone], { against: 'compose' })).toThrow(
      "mqtt-qos does not take --against compose: it asks a server alone, none of pubsub-mqtt's services",
    )
  })

  test('names the experiments that have a soak, or cases to choose from, in one line', () => {
    expect(refuse([many, plain], { profile: 'soak', only: undefined })).toThrow(
      'rest-delay does not take --profile soak; these do: fault-matrix',
    )
    expect(refuse([plain], { profile: 'default', only: 'x' })).toThrow(
      'rest-delay does not take --only; these do: fault-matrix',
    )
  })
})
