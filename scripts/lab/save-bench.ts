import { join, resolve } from 'node:path'
import {
  copyLogs,
  createResultsFolder,
  DEFAULT_RESULTS,
  textOf,
  writeDocument,
} from '@lab/lab/report/results-folder.ts'
import type { Session } from '@lab/lab/session.ts'
import type { z } from 'zod'
import type { BenchCommand } from './bench-command-line.ts'
import type { Terminal } from './terminal.ts'

export interface Benching {
  command: BenchCommand
  session: Session
  terminal: Terminal
}

interface Measured<Schema extends z.ZodType> {
  file: string
  schema: Schema
  results: z.output<Schema>
  startedAt: Date
}

/** Writes the results and the logs into a folder of their own, and says where; with `--json` it prints the results too. */
export async function saveBench<Schema extends z.ZodType>(
  { command, session, terminal }: Benching,
  { file, schema, results, startedAt }: Measured<Schema>,
): Promise<void> {
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  const folder = await createResultsFolder(base, startedAt)
  await writeDocument(join(folder, file), schema, results)
  await copyLogs(session.run.path, folder)
  if (command.json) terminal.document(textOf(schema, results))
  terminal.print(`Results and logs: ${folder}`)
}
