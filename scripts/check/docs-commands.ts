import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { PartCommands } from '@lab/stack/spec.ts'
import { parts } from '../../parts.ts'
import type { Finding } from './finding.ts'
import { type Block, codeBlocks } from './markdown.ts'
import { absentParts, partNames } from './parts.ts'
import { run } from './process.ts'
import { knowsRoute, readRoutes } from './routes.ts'
import { filesOf, readJson, readText } from './tree.ts'

/** What the commands in the documents may refer to. */
interface Known {
  root: string
  scripts: Record<string, string>
  /** Words that the help of `scripts/<name>.ts` shows as subcommands, per npm script. */
  subcommands: Map<string, Set<string>>
  routes: string[]
}

const shells = ['', 'sh', 'bash', 'shell', 'console']
const npmBuiltIns = ['ci', 'install', 'exec']

/** Every `npm`, `npx`, `node` and `curl` line in a code block names something that exists. */
export async function commandFindings(root: string): Promise<Finding[]> {
  const { scripts = {} } = readJson<{ scripts?: Record<string, string> }>(root, 'package.json')
  const known: Known = {
    root,
    scripts,
    subcommands: await readSubcommands(root, scripts),
    routes: readRoutes(root),
  }
  return filesOf(root, '**/*.md').flatMap((file) =>
    codeBlocks(readText(root, file))
      .filter(({ language }) => shells.includes(language))
      .flatMap(commandsOf)
      .flatMap(({ words, line }) => {
        const message = refusal(words, known)
        return message === undefined ? [] : [{ file, line, message }]
      }),
  )
}

/** Lines of a block that are commands, without prompt, comment and leading assignments; pipes and `&&` split. */
function commandsOf({ text, line }: Block): { words: string[]; line: number }[] {
  const joined = text.replace(/\\\n/g, '  ')
  return joined.split('\n').flatMap((row, index) =>
    row
      .replace(/^\s*\$ /, '')
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\|\||[|;]/)
      .map((command) => ({ words: wordsOf(command), line: line + index })),
  )
}

function wordsOf(command: string): string[] {
  const words = command.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []
  const first = words.findIndex((word) => !/^\w+=/.test(word))
  return first === -1 ? [] : words.slice(first)
}

function refusal(words: string[], known: Known): string | undefined {
  const [command, ...rest] = words
  if (command === 'npm') return refuseNpm(rest, known)
  if (command === 'npx') return refuseTool(rest, known.root)
  if (command === 'curl') return refuseCurl(rest, known)
  if (command === 'node' || command === 'bash' || command === 'cd') return refuseFile(rest, known.root)
  return undefined
}

function refuseNpm([verb = '', ...rest]: string[], known: Known): string | undefined {
  if (npmBuiltIns.includes(verb)) return undefined
  const name = verb === 'run' ? rest[0] : verb
  if (name === undefined) return undefined
  if (!(name in known.scripts)) return `no npm script '${name}'`
  const [subcommand, ...details] = rest.slice(rest.indexOf('--') + 1)
  const subcommands = known.subcommands.get(name)
  if (!rest.includes('--') || !subcommand || subcommand.startsWith('-') || !subcommands) return undefined
  const ofPart = name === 'lab' && parts.find(({ commands }) => commands?.word === subcommand)?.commands
  if (ofPart) return refusePartCommand(details[0], ofPart)
  if (!subcommands.has(subcommand)) return `\`npm run ${name}\` has no '${subcommand}'`
  return subcommand === 'run' ? refuseExperiments(details, known.root) : undefined
}

function refusePartCommand(command: string | undefined, { word, list }: PartCommands): string | undefined {
  if (command === undefined || command.startsWith('-') || command in list) return undefined
  return `\`npm run lab -- ${word}\` has no '${command}'`
}

/** An experiment goes by its name or the beginning of it, or by its part. */
function refuseExperiments(words: string[], root: string): string | undefined {
  const experiments = filesOf(root, 'lab/experiments/*.ts').map((file) => basename(file, '.ts'))
  const option = words.findIndex((word) => word.startsWith('-'))
  const names = option === -1 ? words : words.slice(0, option)
  const missing = names.find(
    (name) =>
      /^[a-z][\w-]*$/.test(name) &&
      name !== 'all' &&
      !partNames.includes(name) &&
      !experiments.some((experiment) => experiment.startsWith(name)),
  )
  return missing === undefined ? undefined : `no experiment '${missing}'`
}

function refuseTool(words: string[], root: string): string | undefined {
  const tool = words.find((word) => !word.startsWith('-'))
  if (!tool || existsSync(join(root, 'node_modules/.bin', tool))) return undefined
  return `npx ${tool}: nothing installed has that name`
}

function refuseFile(words: string[], root: string): string | undefined {
  const path = words.find((word) => !word.startsWith('-'))
  if (!path || /^[/~<$]|^\.\.$/.test(path) || existsSync(join(root, path))) return undefined
  if (absentParts(root).includes(path.split('/')[0]!)) return undefined
  return `there is no ${path}`
}

/** With a part deleted, nobody can tell which path was its. */
function refuseCurl(words: string[], { root, routes }: Known): string | undefined {
  if (absentParts(root).length > 0) return undefined
  const url = words
    .map((word) => word.replace(/^['"]|['"]$/g, ''))
    .find((word) => /^(https?:\/\/)?(localhost|127\.)/.test(word))
  if (url === undefined) return undefined
  const path = url.replace(/^(https?:\/\/)?[^/]*/, '').split('?')[0] || '/'
  return knowsRoute(routes, path) ? undefined : `no service answers ${path}`
}

/** Asks the scripts behind `npm run <name>` for their help; its indented first words are the subcommands. */
async function readSubcommands(
  root: string,
  scripts: Record<string, string>,
): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>()
  for (const [name, command] of Object.entries(scripts)) {
    const script = command.match(/scripts\/[\w-]+\.ts/)?.[0]
    if (!script || !existsSync(join(root, script))) continue
    const { code, output } = await run(join(root, script), ['--help'], { cwd: root })
    const words = [...output.matchAll(/^ {2,8}(?:npm run [\w-]+ -- )?([a-z][\w-]*)/gm)].map(
      (match) => match[1] ?? '',
    )
    if (code === 0 && words.length > 0) found.set(name, new Set(words))
  }
  return found
}
