import { livePage } from '../../parts.ts'
import { partNames } from './parts.ts'
import { filesOf, readText } from './tree.ts'

/** Paths the services serve, with their `:parameters`: every string in their code that looks like one. */
export function readRoutes(root: string): string[] {
  const sources = filesOf(root, `{${['kit', 'common', ...partNames, livePage.name].join()}}/**/*.ts`)
  const literals = sources.flatMap((file) => [...readText(root, file).matchAll(/(['"`])(\/[\w/:.-]*)\1/g)])
  return [...new Set(literals.map((match) => match[2] ?? ''))]
}

/** Whether one of the routes answers this path; a parameter, and a placeholder such as `<id>` or `$ID`, match anything. */
export function knowsRoute(routes: readonly string[], path: string): boolean {
  // RabbitMQ's management API answers on its own port.
  if (path === '/' || path.startsWith('/api/')) return true
  const wanted = path.split('/')
  return routes.some((route) => {
    const parts = route.split('/')
    return (
      parts.length === wanted.length && parts.every((part, i) => part.startsWith(':') || part === wanted[i])
    )
  })
}
