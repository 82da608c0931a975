import { isBuiltin } from 'node:module'
import { dirname, join, matchesGlob, normalize } from 'node:path'
import type { Finding } from './finding.ts'
import { type Area, forTests, importTable, processTable } from './import-table.ts'
import { declaredFor } from './packages.ts'
import { type Mention, readSource } from './source.ts'
import { filesOf, readText } from './tree.ts'

/** Holds every TypeScript file against the tables of `import-table.ts`. */
export function checkBoundaries(root: string): Finding[] {
  return filesOf(root, '**/*.ts').flatMap((file) => {
    const { imports, processMembers } = readSource(file, readText(root, file))
    return [
      ...importFindings(root, file, imports),
      ...processMembers.flatMap((member) => processFinding(file, member)),
    ]
  })
}

function importFindings(root: string, file: string, imports: Mention[]): Finding[] {
  const area = importTable.find((candidate) => matches(file, candidate.files))
  if (!area) return [{ file, message: 'belongs to no area of scripts/check/import-table.ts' }]
  return imports.flatMap(({ name, line }) => {
    const message = refusal(root, file, area, name)
    return message === undefined ? [] : [{ file, line, message }]
  })
}

/** Why `file` may not import `specifier`; undefined when it may. */
function refusal(root: string, file: string, area: Area, specifier: string): string | undefined {
  if (isBuiltin(specifier)) return refuseBuiltin(area, specifier, isTest(file))
  if (specifier.startsWith('.') || specifier.startsWith('@lab/')) return refuseCode(file, area, specifier)
  return refusePackage(root, file, area, specifier)
}

function refuseBuiltin(area: Area, specifier: string, test: boolean): string | undefined {
  if (!specifier.startsWith('node:')) return `write 'node:${specifier}'`
  if (specifier === 'node:process') return 'use the global `process`, whose use the table can see'
  if (test || area.node === 'any' || area.node.includes(specifier.slice('node:'.length))) return undefined
  return `may not import '${specifier}'`
}

function refuseCode(file: string, area: Area, specifier: string): string | undefined {
  const workspace = (path: string) => path.split('/')[0]
  const target = specifier.startsWith('.')
    ? normalize(join(dirname(file), specifier))
    : specifier.slice('@lab/'.length)
  if (
    specifier.startsWith('.') &&
    file.includes('/') &&
    target.includes('/') &&
    workspace(target) !== workspace(file)
  ) {
    return `'${specifier}' leaves the workspace: write '@lab/${target}'`
  }
  const allowed = isTest(file) ? [...area.code, ...forTests.code] : area.code
  return matches(target, allowed) ? undefined : `may not import ${target}`
}

function refusePackage(root: string, file: string, area: Area, specifier: string): string | undefined {
  const name = packageName(specifier)
  const forThisTest = isTest(file) && forTests.packages.includes(name)
  const { packages } = area
  const allowed = 'only' in packages ? packages.only.includes(name) : !packages.except.includes(name)
  if (!allowed && !forThisTest) return `may not import '${name}'`
  if (!declaredFor(root, file).has(name))
    return `'${name}' is not declared in the package.json of its workspace`
  return undefined
}

function processFinding(file: string, { name, line }: Mention): Finding[] {
  const rule = processTable.find(({ members }) => members.includes(name))
  if (!rule || matches(file, rule.files)) return []
  return [{ file, line, message: `process.${name} belongs in ${rule.files.join(', ')}` }]
}

const packageName = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

const isTest = (file: string): boolean => /\.(?:test|compose)\.ts$/.test(file)

const matches = (file: string, globs: readonly string[]): boolean =>
  globs.some((glob) => matchesGlob(file, glob))
