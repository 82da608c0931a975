import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { contradictions } from './consistency.ts'
import { digestOf } from './digest.ts'
import { Results, SCHEMA_VERSION } from './results.ts'
import { fileTrouble, ResultsError } from './results-error.ts'

const NAMED_AT_MOST = 5

/**
 * Reads a `results.json` and believes nothing in it: one of another version, cut off, contradicting itself or otherwise
 * edited by hand throws a `ResultsError` that says which of these, and where.
 */
export async function readResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch((err: unknown) => {
    throw new ResultsError(`${file} cannot be read: ${fileTrouble(err)}`, { cause: err })
  })
  return parseResults(text, file)
}

/** `name` is how messages call the document. */
export function parseResults(text: string, name: string): Results {
  const document = parseJson(text, name)
  refuseOtherVersion(document, name)
  const results = Results.safeParse(document)
  if (!results.success) {
    throw new ResultsError(
      `${name} is not as a run writes it:\n${listed(results.error.issues.map(describe))}`,
    )
  }
  const lines = contradictions(results.data)
  if (lines.length > 0) {
    throw new ResultsError(
      `${name} contradicts itself, so it was edited and proves nothing:\n${listed(lines)}`,
    )
  }
  refuseOtherDigest(document as Record<string, unknown>, name)
  return results.data
}

function parseJson(text: string, name: string): unknown {
  if (text.trim() === '') throw new ResultsError(`${name} is empty`)
  try {
    return JSON.parse(text)
  } catch (err) {
    const isCut = !text.trimEnd().endsWith('}')
    throw new ResultsError(
      isCut
        ? `${name} is cut off after ${text.length} characters`
        : `${name} is not JSON: ${(err as Error).message}`,
      { cause: err },
    )
  }
}

const Versioned = z.object({
  schema_version: z.unknown(),
  environment: z.object({ git_commit: z.string().optional() }).optional().catch(undefined),
})

function refuseOtherVersion(document: unknown, name: string): void {
  const { success, data } = Versioned.safeParse(document)
  if (!success || data.schema_version === undefined) {
    throw new ResultsError(`${name} has no schema_version: it is not the results.json of a run`)
  }
  if (data.schema_version === SCHEMA_VERSION) return
  const commit = data.environment?.git_commit
  const writer = commit === undefined ? '' : ` The code that wrote it is commit ${commit}.`
  throw new ResultsError(
    `${name} has schema_version ${JSON.stringify(data.schema_version)}; this code reads ${SCHEMA_VERSION}.${writer}`,
  )
}

/** Of the text, not of what the schema took from it: a field that was added is an edit too. */
function refuseOtherDigest(document: Record<string, unknown>, name: string): void {
  const digest = digestOf(document)
  if (document.digest === digest) return
  throw new ResultsError(
    `${name} was edited after its run, so it proves nothing: its content has the digest ${short(digest)}, the run wrote ${short(document.digest)}`,
  )
}

/** Enough of a digest to see that two differ. */
const short = (digest: unknown) => `${String(digest).slice(0, 'sha256:'.length + 12)}…`

const describe = ({ path, message }: z.core.$ZodIssue): string => `${z.core.toDotPath(path)}: ${message}`

function listed(lines: string[]): string {
  const more = lines.length - NAMED_AT_MOST
  const last = more > 0 ? [`  and ${more} more`] : []
  return [...lines.slice(0, NAMED_AT_MOST).map((line) => `  ${line}`), ...last].join('\n')
}
