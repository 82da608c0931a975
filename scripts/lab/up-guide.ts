import { join } from 'node:path'
import { type AnyServer, kindOf } from '@lab/stack/servers/index.ts'
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
    '  end it on purpose, and have it back as it was (stop, kill, pause; start, resume):',
    `    npm run lab -- kill ${spec.name}/${services.at(-1)?.name}`,
    `    npm run lab -- start ${spec.name}/${services.at(-1)?.name}`,
  ]
}

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
