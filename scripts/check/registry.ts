import { checkBoundaries } from './boundaries.ts'
import { checkConfigPages, writeConfigPages } from './config-pages.ts'
import { checkDocs } from './docs.ts'
import type { Check } from './finding.ts'
import { checkProjects } from './projects.ts'
import { checkScripts } from './scripts.ts'
import { checkSizes } from './sizes.ts'
import { checkLint, checkTypes } from './tools.ts'

/** In the order in which they run: the quick ones that find the most first. */
export const checks: readonly Check[] = [
  { name: 'types', about: 'TypeScript (tsc -p .)', run: checkTypes },
  { name: 'lint', about: 'Biome: lint, format, import order', run: checkLint },
  {
    name: 'boundaries',
    about: 'who may import what, read process.env, end the process',
    run: checkBoundaries,
  },
  { name: 'sizes', about: 'length of files and functions', run: checkSizes },
  { name: 'projects', about: 'vitest runs every test file, each in one project', run: checkProjects },
  {
    name: 'config-pages',
    about: 'docs/configuration.md and .env.example agree with the schemas',
    run: checkConfigPages,
    write: writeConfigPages,
  },
  { name: 'docs', about: 'links, commands, decisions, no trace of one machine', run: checkDocs },
  { name: 'scripts', about: 'every script answers --help', run: checkScripts },
]
