import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RoutePlugin } from './http.ts'

export interface PageInDevelopmentOptions {
  /** The page's sources: the folder of its `index.html`, its `vite.config.ts` and its `package.json`. */
  sources: string
  config?: () => Record<string, unknown>
}

/**
 * In place of `pageRoutes` while the page is worked on: the page's own Vite serves its sources on the app's own port and
 * replaces what is edited in the open browser. Vite needs inline scripts and styles for that, so there is no policy here.
 */
export function pageInDevelopment({ sources, config = () => ({}) }: PageInDevelopmentOptions): RoutePlugin {
  return async (app) => {
    const { createServer } = await viteOf(sources)
    const vite = await createServer({
      root: sources,
      appType: 'spa',
      clearScreen: false,
      server: { middlewareMode: true, hmr: { server: app.server } },
    })
    app.addHook('onClose', () => vite.close())

    app.get('/config.json', { schema: { hide: true } }, async () => config())
    app.get('/*', { schema: { hide: true } }, (request, reply) => {
      reply.hijack()
      vite.middlewares(request.raw, reply.raw)
    })
  }
}

/** A page brings its Vite. The image has none: there, pages are built. */
async function viteOf(sources: string): Promise<typeof import('vite')> {
  const file = createRequire(join(sources, 'package.json')).resolve('vite')
  return import(pathToFileURL(file).href)
}
