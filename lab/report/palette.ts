import type { TrioName } from '../trio.ts'

/** What a colour stands for: one style, or one outcome of an order, in every chart of every report. */
const PALETTE = {
  'sync-rest': { light: '#0062a3', dark: '#5cb6f0' },
  'async-rabbitmq': { light: '#bf4b00', dark: '#ff9d57' },
  'streaming-kafka': { light: '#00785a', dark: '#35cfa0' },
  /** What was asked for: the line the others are read against. */
  offered: { light: '#1b1f24', dark: '#e8eaed' },
  ok: { light: '#5b47b0', dark: '#b9a7ff' },
  rejected: { light: '#7d5a00', dark: '#e9c34d' },
  failed: { light: '#a3195b', dark: '#ff8fc0' },
  unknown: { light: '#555d66', dark: '#b8c0ca' },
  /** Curves without a meaning that other charts share. */
  other: { light: '#555d66', dark: '#b8c0ca' },
} as const satisfies Record<TrioName | string, { light: string; dark: string }>

export type Meaning = keyof typeof PALETTE
export const MEANINGS = Object.keys(PALETTE) as [Meaning, ...Meaning[]]

/** The colours as properties of a style sheet. */
export const paletteCss = (paper: 'light' | 'dark'): string =>
  MEANINGS.map((meaning) => `--${meaning}: ${PALETTE[meaning][paper]};`).join(' ')
