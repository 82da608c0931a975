import { describeServers, type ServerReport } from '@lab/stack/servers/index.ts'
import type { Terminal } from './terminal.ts'

/** Exit code 0 when every server could be had here, else 1. */
export async function brokersCommand({ json }: { json: boolean }, terminal: Terminal): Promise<number> {
  const reports = await describeServers({ env: process.env })
  if (json) terminal.document(`${JSON.stringify(reports, null, 2)}\n`)
  else for (const report of reports) terminal.print(describe(report))
  return reports.every(({ usable }) => usable) ? 0 : 1
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
