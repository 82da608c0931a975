import { counted } from '../number.ts'
import type { ExperimentRecord } from '../results.ts'
import { doubtsAbout } from '../validity.ts'
import { keyFigures, VERDICTS, wordOf } from '../verdict.ts'
import { html, type Markup } from './markup.ts'

export interface Words {
  /** As the page shows it. */
  word: string
  tone: 'good' | 'warn' | 'bad'
  sentence: string
}

/** The verdict of an experiment in plain words, made from its checks. */
export function verdictWords(record: ExperimentRecord): Words {
  const doubts = doubtsAbout(record)
  if (doubts.length > 0) {
    const word = wordOf(record)
    return { word, tone: word === 'INVALID' ? 'bad' : VERDICTS[word].tone, sentence: doubts.join('; ') }
  }
  const failed = record.checks.filter(({ holds }) => !holds)
  if (failed.length === 0) {
    const all =
      record.checks.length === 1 ? 'Its one check holds.' : `All ${record.checks.length} checks hold.`
    return { word: 'holds', tone: 'good', sentence: all }
  }
  const named = failed.map(({ name, detail }) => `${name} (${detail})`).join('; ')
  const count = `${failed.length} of ${counted(record.checks.length, 'check')}`
  const sentence = `${count} ${failed.length === 1 ? 'does' : 'do'} not hold: ${named}. The figures may be believed; what they show is no.`
  return { word: 'broken', tone: 'warn', sentence }
}

export function chip(record: ExperimentRecord): Markup {
  const { word, tone } = verdictWords(record)
  return html`<span class="word ${tone}">${word}</span>`
}

/** What decided it, in one line. */
export const inShort = (record: ExperimentRecord): string =>
  doubtsAbout(record)[0]?.split('\n')[0] ?? keyFigures(record)
