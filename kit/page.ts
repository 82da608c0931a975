import { readdirSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { LabError } from './errors.ts'
import type { RoutePlugin } from './http.ts'
import { pageInDevelopment } from './page-dev.ts'

/** The variables of a service that serves a page. */
export const pageEnv = {
  PAGE_DIR: z.string().optional().describe('Folder of the built page, as `npm run build-page` leaves it'),
  PAGE_SOURCES: z
    .string()
    .optional()
    .describe('Folder of the page in the repository, to work on it: Vite serves it in place of `PAGE_DIR`'),
}

/** The page where the environment says that it is. */
export function pageOf(
  env: { PAGE_DIR?: string | undefined; PAGE_SOURCES?: string | undefined },
  options: Omit<PageOptions, 'dir'>,
): RoutePlugin {
  if (env.PAGE_SOURCES !== undefined) return pageInDevelopment({ sources: env.PAGE_SOURCES, ...options })
  if (env.PAGE_DIR !== undefined) return pageRoutes({ dir: env.PAGE_DIR, ...options })
  throw new LabError('LAB_CONFIG_INVALID', 'PAGE_DIR is not set: `npm run build-page` prints such a folder')
}

export interface PageOptions {
  /** The built page: `index.html`, and below `assets/` the files whose names change with what is in them. */
  dir: string
  /** What the page has to know of where it runs, e.g. a broker's address. Asked at every `GET /config.json`. */
  config?: () => Record<string, unknown>
  /** Addresses beside its own that the page may open, as URLs: `ws://localhost:8083/mqtt`. */
  connect?: readonly string[]
  /** Where its workers may come from beside its own address, e.g. `blob:`. */
  worker?: readonly string[]
}

/**
 * Serves a built page from `/`. A route that the app has by itself goes first.
 *
 * Files below `assets/` may be kept for ever, all others are asked for again each time (ETag). What was compressed when
 * the page was built is sent compressed. An address of the page's own, such as `/tables/2`, answers `index.html` to a
 * browser that navigates there; a file that is missing is a 404. No script runs that is not one of the files.
 */
export function pageRoutes(options: PageOptions): RoutePlugin {
  const { config = () => ({}) } = options
  const dir = resolve(options.dir)
  return async (app) => {
    const files = filesOf(dir)
    const headers = pageHeaders(options)
    await app.register(fastifyStatic, { root: dir, serve: false, preCompressed: true, cacheControl: false })

    app.get('/config.json', { schema: { hide: true } }, async (_request, reply) =>
      reply
        .headers({ ...headers, 'cache-control': 'no-store' })
        .type('application/json')
        .send(config()),
    )

    app.get<{ Params: { '*': string } }>('/*', { schema: { hide: true } }, (request, reply) => {
      const file = files.has(request.params['*']) ? request.params['*'] : indexFor(request)
      return sendFile(reply.headers(headers), file)
    })
  }
}

function sendFile(reply: FastifyReply, file: string): FastifyReply {
  const forEver = file.startsWith('assets/')
  reply.header('cache-control', forEver ? 'public, max-age=31536000, immutable' : 'no-cache')
  return reply.sendFile(file)
}

/** Only a browser that goes to an address asks for HTML; a script or picture that is not there must not become a page. */
function indexFor({ method, url, headers }: FastifyRequest): string {
  const [path] = url.split('?', 1) as [string]
  const navigates = headers.accept?.includes('text/html') && !path.split('/').at(-1)!.includes('.')
  if (path === '/' || navigates) return 'index.html'
  throw new LabError('LAB_NOT_FOUND', `${method} ${path} does not exist`)
}

/** Read once: a build never changes in place, and a path that is not listed reaches no file. */
function filesOf(dir: string): Set<string> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
  if (!files.includes('index.html'))
    throw new LabError('LAB_CONFIG_INVALID', `${dir} holds no index.html: it is not a built page`)
  return new Set(files)
}

/** What a page of ours may do: run its own files, speak to its own address and to those it was given. */
function pageHeaders({ connect = [], worker = [] }: PageOptions): Record<string, string> {
  const policy = {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'", ...connect.map((url) => new URL(url).origin)],
    'worker-src': ["'self'", ...worker],
    'manifest-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  }
  return {
    'content-security-policy': Object.entries(policy)
      .map(([name, sources]) => `${name} ${sources.join(' ')}`)
      .join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
}
