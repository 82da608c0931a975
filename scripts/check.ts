import './require-node.mjs'
import { Command } from 'commander'
import { checks } from './check/registry.ts'
import { runChecks } from './check/run.ts'
import { oneOf } from './lab/command-line.ts'

const root = new URL('..', import.meta.url).pathname
const names = checks.map(({ name }) => name)

await new Command('npm run check --')
  .description('Checks the repository; without a name, everything.')
  .argument('[name...]', 'checks by their names, see below', (name: string, before: string[] = []) => [
    ...before,
    oneOf('check', name, names),
  ])
  .option('--write', 'regenerate what can be generated (config-pages, asyncapi), then check')
  .helpOption('-h, --help', 'this text')
  .addHelpText(
    'after',
    `
${checks.map((check) => `  ${check.name.padEnd(14)}${check.about}`).join('\n')}

Exit code 0 when every check holds, 1 when one fails, 2 when the command line is wrong.`,
  )
  .showHelpAfterError()
  .exitOverride(({ exitCode }) => process.exit(exitCode && 2))
  .action(async (wanted: string[], { write = false }: { write?: boolean }) => {
    const chosen = wanted.length === 0 ? checks : checks.filter(({ name }) => wanted.includes(name))
    process.exit((await runChecks(root, chosen, { write })) ? 0 : 1)
  })
  .parseAsync()
