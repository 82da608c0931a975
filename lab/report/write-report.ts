import { join } from 'node:path'
import { reportPage } from './html/page.ts'
import type { Results } from './results.ts'
import { replaceFile } from './results-folder.ts'

/** Writes `report.html` into the folder of the run and answers its path. On failure an older one stays as it was. */
export async function writeReport(folder: string, results: Results): Promise<string> {
  const file = join(folder, 'report.html')
  await replaceFile(file, reportPage(results))
  return file
}
