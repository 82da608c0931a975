import { checkAsyncapi, writeAsyncapi } from './asyncapi.ts'
import { checkBoundaries } from './boundaries.ts'
import { checkConfigPages, writeConfigPages } from './config-pages.ts'
import { checkDocs } from './docs.ts'
import type { Check } from './finding.ts'
import { checkPages } from './pages.ts'
import { checkProjects } from './projects.ts'
import { checkScripts } from './scripts.ts'
import { checkLint, checkTypes } from './tools.ts'

/** In the order in which they run: the quick ones that find the most first. */
export const checks: readonly Check[] = [
  { name: 'types', about: 'TypeScript (tsc -p .)', run: checkTypes },
  { name: 'pages', about: 'types of the pages, by the tools of their own workspaces', run: checkPages },
  { name: 'lint', about: 'Biome: lint, format, import order, no import circles', run: checkLint },
  {
    name: 'boundaries',
    about: 'who may import what, read process.env, end the process',
    run: checkBoundaries,
  },
  { name: 'projects', about: 'vitest runs every test file, each in one project', run: checkProjects },
  {
    name: 'config-pages',
    about: 'docs/configuration.md and .env.example agree with the schemas',
    run: checkConfigPages,
    write: writeConfigPages,
  },
  {
    name: 'asyncapi',
    about: 'asyncapi.json of a part agrees with its schemas, and is valid',
    run: checkAsyncapi,
    write: writeAsyncapi,
  },
  { name: 'docs', about: 'links, commands, decisions, no trace of one machine', run: checkDocs },
  { name: 'scripts', about: 'every script answers --help', run: checkScripts },
]
