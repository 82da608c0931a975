import { join } from 'node:path'
import { type AnyServer, kindOf } from '@lab/stack/servers/index.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { RunningPart } from '@lab/stack/spec.ts'

/** What `up` prints: where everything is, and commands to paste. */
export function describeRunning(running: RunningPart[], runPath: string, page?: string): string {
  return [
    '',
    ...(page === undefined ? [] : [`See it all, and break it, in a browser: ${page}`, '']),
    ...running.flatMap((part) => [...describePart(part), '']),
    `Logs: ${join(runPath, 'logs')} (gone when this ends)`,
    'Ctrl-C stops everything.',
  ].join('\n')
}

function describePart(part: RunningPart): string[] {
  const { spec, servers } = part
  const services = Object.values(part.services)
  return [
    `${spec.name} (${spec.style})`,
    ...services.map(({ name, url }) => line(name, `${url}   ${url}/docs`)),
    ...Object.values(servers).flatMap(describeServer),
    ...spec.guide(part).flatMap(([what, command]) => [`  ${what}:`, `    ${command}`]),
    '  a service that was ended, again, with all it has to know:',
    ...services.flatMap(({ command }) => (command ? [`    ${byHand(command)}`] : [])),
  ]
}

/** The command that starts a service in a shell as it was started here. */
export function byHand({ env, argv }: NonNullable<ServiceProcess['command']>): string {
  const set = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
  return ['env', ...set, ...argv.map(quoted)].join(' ')
}

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Where it is, its page, and by which variables a service finds it; those of somebody else's hold a password. */
function describeServer(server: AnyServer): string[] {
  const { label, address, page, env } = kindOf(server)
  const shown = page?.(server)
  const variables = server.origin === 'external' ? [] : Object.entries(env(server))
  return [
    line(`${label} ${server.version}`, address(server)),
    ...(shown
      ? [
          line(
            'its page',
            shown.login && server.origin !== 'external' ? `${shown.url}   login ${shown.login}` : shown.url,
          ),
        ]
      : []),
    ...variables.map(([name, value]) => line(name, value)),
  ]
}

const line = (name: string, where: string) => `  ${name.padEnd(22)}${where}`
