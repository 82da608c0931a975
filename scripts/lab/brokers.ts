import type { Reporter } from '@lab/lab/report/progress.ts'
import type { Session } from '@lab/lab/run/session.ts'
import {
  type AnyServer,
  describeServers,
  kindOf,
  type ServerName,
  type ServerReport,
  serverKinds,
} from '@lab/stack/servers/index.ts'
import type { PartSpec } from '@lab/stack/spec.ts'
import type { Command } from 'commander'
import { common, openTerminal } from './command-line.ts'

export function addBrokers(program: Command): void {
  program
    .command('brokers')
    .summary('which RabbitMQ and Kafka a run would use here, and what is missing')
    .description(
      'Says for RabbitMQ and Kafka which one a run would use here, and how to install what is missing. Starts nothing.',
    )
    .addOption(common.json)
    .addOption(common.verbose)
    .addHelpText('after', '\nExit code 0 when every server could be had here, else 1.')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { document, print } = openTerminal({ json })
      const reports = await describeServers({ env: process.env })
      if (json) document(`${JSON.stringify(reports, null, 2)}\n`)
      else for (const report of reports) print(describe(report))
      process.exitCode = reports.every(({ usable }) => usable) ? 0 : 1
    })
}

function describe({ label, origin, reason, usable, found, missing, commands }: ServerReport): string {
  const install = commands && [
    'to install it:',
    `  Debian, Ubuntu   ${commands.debian}`,
    `  Fedora           ${commands.fedora}`,
    `  macOS            ${commands.macos}`,
  ]
  const lines = [
    `${origin ?? 'none'}, because ${reason}`,
    ...found.map((what) => `found    ${what}`),
    ...missing.map((what) => `missing  ${what}`),
    ...(install ?? []),
  ]
  const title = `${label}: ${usable ? 'can be used' : 'cannot be used yet'}`
  return [title, ...lines.map((line) => `  ${line}`), ''].join('\n')
}

/** Finds or starts the servers that these parts need, at the same time, before anything is measured. */
export async function startBrokers(
  session: Session,
  specs: readonly Pick<PartSpec, 'servers' | 'serverOptions'>[],
  reporter: Reporter,
): Promise<void> {
  const names = [...new Set(specs.flatMap(({ servers }) => servers))]
  /** What one part asks for might keep another out. */
  const optionsOf = (name: ServerName) => {
    const [user, ...others] = specs.filter(({ servers }) => servers.includes(name))
    return others.length === 0 ? user?.serverOptions?.[name] : undefined
  }
  await reporter.tasks<AnyServer>(
    names.map((name) => ({
      title: `${serverKinds[name].label}: finding or starting it`,
      run: (progress) => session.server(name, { progress, options: optionsOf(name) as never }),
      done: (server) => {
        const { label, address } = kindOf(server)
        return `${label} ${server.version} (${server.origin}) at ${address(server)}`
      },
    })),
  )
}
