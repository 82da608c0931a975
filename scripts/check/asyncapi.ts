import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Finding } from './finding.ts'
import { filesOf, readText } from './tree.ts'

const remedy = 'run `npm run check -- asyncapi --write`'

/** `<part>/asyncapi.json` is what the `asyncapi.ts` of one of the part's folders makes today, and a valid document. */
export async function checkAsyncapi(root: string): Promise<Finding[]> {
  const findings = (await documents(root)).map(async ({ file, text }): Promise<Finding[]> => {
    if (!existsSync(join(root, file))) return [{ file, message: `is missing: ${remedy}` }]
    if (readText(root, file) !== text) return [{ file, message: `differs from the schemas: ${remedy}` }]
    return invalid(file, text)
  })
  return (await Promise.all(findings)).flat()
}

export async function writeAsyncapi(root: string): Promise<void> {
  for (const { file, text } of await documents(root)) await writeFile(join(root, file), text)
}

async function documents(root: string) {
  return Promise.all(
    filesOf(root, '*/**/asyncapi.ts')
      .filter((source) => !source.startsWith('scripts/'))
      .map(async (source) => {
        const { asyncapi } = await import(pathToFileURL(join(root, source)).href)
        if (typeof asyncapi !== 'function') throw new Error(`${source} exports no function \`asyncapi\``)
        const [part] = source.split('/')
        return { file: `${part}/asyncapi.json`, text: `${JSON.stringify(asyncapi(), null, 2)}\n` }
      }),
  )
}

/** What the parser of the AsyncAPI project says against it. */
async function invalid(file: string, text: string): Promise<Finding[]> {
  const { Parser } = await import('@asyncapi/parser')
  const { diagnostics } = await new Parser().parse(text)
  return diagnostics.map(({ message, path, severity }): Finding => {
    const finding = { file, message: `${path.join('.')}: ${message}` }
    // 0 is an error, 1 a warning; what comes after is advice.
    return severity <= 1 ? finding : { ...finding, severity: 'note' }
  })
}
