import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { serviceEnv } from '@lab/kit/config.ts'
import { readConfigSchemas, type ServiceConfig, type Variable } from './config-schemas.ts'
import type { Finding } from './finding.ts'
import { absentParts } from './parts.ts'
import { filesOf, readText } from './tree.ts'

const remedy = 'run `npm run check -- config-pages --write`'

interface Page {
  file: string
  /** Joined by empty lines; one per service after those about all of them. */
  sections: string[]
}

/** Compares the generated pages with what the schemas say today. Where a part was deleted, its sections may stay. */
export async function checkConfigPages(root: string): Promise<Finding[]> {
  const pages = await generate(root)
  return pages.flatMap(({ file, sections }) => {
    if (!existsSync(join(root, file))) return [{ file, message: `is missing: ${remedy}` }]
    const current = readText(root, file)
    if (current === textOf(sections)) return []
    if (absentParts(root).length > 0 && sections.every((section) => current.includes(section))) return []
    return [{ file, message: `differs from the schemas: ${remedy}` }]
  })
}

export async function writeConfigPages(root: string): Promise<void> {
  for (const { file, sections } of await generate(root)) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), textOf(sections))
  }
}

async function generate(root: string): Promise<Page[]> {
  const services = await readConfigSchemas(root)
  if (services.length === 0) return []
  const everywhere = commonVariables(services)
  const own = ({ variables }: ServiceConfig) =>
    variables.filter((variable) => !everywhere.some((other) => sameLine(other, variable)))
  const groups = services.map((config) => ({ service: config.service, variables: own(config) }))
  return [
    {
      file: 'docs/configuration.md',
      sections: [
        intro,
        table('Every service', everywhere),
        ...groups.map(({ service, variables }) => table(`\`${service}\``, variables)),
      ],
    },
    {
      file: '.env.example',
      sections: [
        '# Generated: npm run check -- config-pages --write. What each means: docs/configuration.md\n',
        assignments('every service', everywhere),
        ...groups.map(({ service, variables }) => assignments(service, variables)),
        ...composeSections(root),
      ],
    },
  ]
}

/** The ports and credentials a compose file takes from its environment, with what it falls back to. */
function composeSections(root: string): string[] {
  return filesOf(root, '*/docker-compose.yml').map((file) => {
    const found = readText(root, file).matchAll(/\$\{([A-Z_]+):-([^}]*)\}/g)
    const defaults = new Map([...found].map(([, name = '', fallback = '']) => [name, fallback]))
    const lines = [...defaults].map(([name, fallback]) => `# ${name}=${fallback}\n`)
    return `# ${file}, read by docker compose from a file .env beside it\n${lines.join('')}`
  })
}

const textOf = (sections: string[]): string => sections.join('\n')

const intro = `# Configuration

Generated from the schema in every service's \`config.ts\`: \`npm run check -- config-pages --write\`.

Every variable is read once, at start. An empty one counts as not set. A service whose environment is wrong prints all
problems and exits 1 before it opens a socket.
`

/** What the kit gives every service, as far as the services agree on the default. */
function commonVariables(services: ServiceConfig[]): Variable[] {
  const fromKit = Object.keys(serviceEnv(0))
  return (services[0]?.variables ?? []).filter(
    (variable) =>
      fromKit.includes(variable.name) &&
      services.every(({ variables }) => variables.some((other) => sameLine(other, variable))),
  )
}

const sameLine = (a: Variable, b: Variable): boolean =>
  a.name === b.name && a.meaning === b.meaning && a.default === b.default && a.required === b.required

function table(title: string, variables: Variable[]): string {
  const rows = variables.map(
    (variable) => `| \`${variable.name}\` | ${defaultCell(variable)} | ${cell(variable.meaning)} |`,
  )
  const body =
    rows.length === 0
      ? 'Nothing of its own.'
      : ['| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n')
  return `## ${title}\n\n${body}\n`
}

function defaultCell({ default: value, required }: Variable): string {
  if (required) return '**required**'
  return value === undefined ? 'not set' : `\`${cell(value)}\``
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** The same for a shell, commented out, because each line is the default already. */
const assignments = (title: string, variables: Variable[]): string =>
  [`# ${title}`, ...variables.map(({ name, default: value }) => `# ${name}=${value ?? ''}`), ''].join('\n')
