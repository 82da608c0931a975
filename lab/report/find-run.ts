import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { didYouMean } from '../near.ts'
import { fileTrouble, ResultsError } from './results-error.ts'

const FILE = 'results.json'
const NAMED_AT_MOST = 5

/**
 * The `results.json` that `word` stands for: `latest`, the name of a folder under `base`, or the path of a folder or of
 * the file. A word that stands for none throws a `ResultsError` that names the runs there are.
 */
export async function findRun(word: string, base: string): Promise<string> {
  if (word === 'latest') return latest(base)
  for (const path of [join(base, word), resolve(word)]) {
    const found = await kindOf(path)
    if (found === 'file') return path
    if (found === 'folder') return fileIn(path)
  }
  throw new ResultsError(`There is no run '${word}'.${await describeRuns(base, word)}`)
}

/** The names of the runs under `base`, the latest first. */
export async function listRuns(base: string): Promise<string[]> {
  const entries = await readdir(base).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return []
    throw new ResultsError(`${base} cannot be read: ${fileTrouble(err)}`, { cause: err })
  })
  const kinds = await Promise.all(entries.map((name) => kindOf(join(base, name, FILE))))
  const names = entries.filter((_, at) => kinds[at] === 'file')
  // `…-10` is later than `…-2`: runs of one second are counted.
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

async function latest(base: string): Promise<string> {
  const [name] = await listRuns(base)
  if (name === undefined) throw new ResultsError(`There is no run in ${base} yet: \`npm run lab\` makes one.`)
  return join(base, name, FILE)
}

async function fileIn(folder: string): Promise<string> {
  const file = join(folder, FILE)
  if ((await kindOf(file)) === 'file') return file
  const hint =
    (await kindOf(join(folder, 'bench.json'))) === 'file' ? ' It holds a benchmark: bench.json.' : ''
  throw new ResultsError(`${folder} has no ${FILE}.${hint}`)
}

async function describeRuns(base: string, word: string): Promise<string> {
  const runs = await listRuns(base)
  if (runs.length === 0) return ` ${base} has no run yet: \`npm run lab\` makes one.`
  const named = runs.slice(0, NAMED_AT_MOST)
  const more = runs.length > named.length ? ` and ${runs.length - named.length} older` : ''
  return `${didYouMean(basename(word), runs)} In ${base}, latest first: ${named.join(', ')}${more}`
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ResultsError(`${path} cannot be read: ${fileTrouble(err)}`, { cause: err })
  }
}
