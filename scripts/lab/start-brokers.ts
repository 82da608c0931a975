import type { Reporter } from '@lab/lab/report/progress.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { type AnyServer, kindOf, type ServerName, serverKinds } from '@lab/stack/servers/index.ts'
import type { PartSpec } from '@lab/stack/spec.ts'

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
