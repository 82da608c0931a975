import type { Finding } from './finding.ts'
import { readSource } from './source.ts'
import { filesOf, readText } from './tree.ts'

const limit = { lines: 300, review: 200, reviewOfTests: 250, functionLines: 40 }

/** No file above 300 lines; median, 90th percentile and what deserves a second look are notes. */
export function checkSizes(root: string): Finding[] {
  const files = filesOf(root, ['**/*.ts', '**/*.mjs']).map((file) => ({
    file,
    lines: countLines(readText(root, file)),
  }))
  if (files.length === 0) return []
  return [
    ...files.flatMap(judge),
    ...longFunctions(
      root,
      files.map(({ file }) => file),
    ),
    summary(files),
  ]
}

function judge({ file, lines }: { file: string; lines: number }): Finding[] {
  if (lines > limit.lines) return [{ file, message: `${lines} lines: above ${limit.lines}` }]
  const review = isTest(file) ? limit.reviewOfTests : limit.review
  return lines > review
    ? [{ file, severity: 'note', message: `${lines} lines: which thought could leave?` }]
    : []
}

/** One note for all of them. Tests and contracts are exempt: a `describe` is as long as its behaviours. */
function longFunctions(root: string, files: string[]): Finding[] {
  const long = files
    .filter((file) => !isTest(file) && !file.startsWith('common/testing/'))
    .flatMap((file) => readSource(file, readText(root, file)).functions.map((found) => ({ file, ...found })))
    .filter(({ lines }) => lines > limit.functionLines)
    .sort((a, b) => b.lines - a.lines)
  if (long.length === 0) return []
  const longest = long.slice(0, 3).map(({ file, line, lines }) => `${file}:${line} (${lines})`)
  const message = `${long.length} functions above ${limit.functionLines} lines; longest: ${longest.join(', ')}`
  return [{ severity: 'note', message }]
}

function summary(files: { file: string; lines: number }[]): Finding {
  const sources = files.filter(({ file }) => !isTest(file)).map(({ lines }) => lines)
  const sorted = sources.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const message = `${files.length} files; sources: median ${at(0.5)} lines, p90 ${at(0.9)}, longest ${sorted.at(-1) ?? 0}`
  return { severity: 'note', message }
}

const countLines = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
const isTest = (file: string): boolean => file.endsWith('.test.ts')
