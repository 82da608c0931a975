import { readOptions } from './options.ts'
import { UsageError } from './suggest.ts'

export interface ReportCommand {
  kind: 'report'
  /** A folder under `out`, a path, or `latest`. */
  run: string
  out: string | undefined
}

export interface CompareCommand {
  kind: 'compare'
  runs: [a: string, b: string]
  out: string | undefined
  /** Where the comparison is written as a page. */
  html: string | undefined
}

const common = {
  help: { type: 'boolean', short: 'h' },
  verbose: { type: 'boolean' },
  out: { type: 'string' },
} as const

const WHICH = "a folder under results/, a path, or 'latest'"

/** Undefined when help was asked for. */
export function readReport(args: string[]): (ReportCommand & { verbose: boolean }) | undefined {
  const { values, positionals } = readOptions('report', args, common)
  const { help, out, verbose = false } = values
  if (help) return undefined
  const [run, ...others] = positionals
  if (run === undefined || others.length > 0) {
    throw new UsageError(`report takes one run (${WHICH}), but ${positionals.length} were given`)
  }
  return { kind: 'report', run, out, verbose }
}

/** Undefined when help was asked for. */
export function readCompare(args: string[]): (CompareCommand & { verbose: boolean }) | undefined {
  const { values, positionals } = readOptions('compare', args, { ...common, html: { type: 'string' } })
  const { help, out, html, verbose = false } = values
  if (help) return undefined
  const [a, b, ...others] = positionals
  if (a === undefined || b === undefined || others.length > 0) {
    throw new UsageError(`compare takes two runs (each ${WHICH}), but ${positionals.length} were given`)
  }
  return { kind: 'compare', runs: [a, b], out, html, verbose }
}
