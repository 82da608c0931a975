import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'

export interface HomeDeps {
  part: string
  service: string
  description: string
  /** The other services of the part: name to address. */
  peers: Record<string, string>
}

const Home = z
  .object({
    part: z.string(),
    service: z.string(),
    description: z.string(),
    links: z.record(z.string(), z.string()).describe('Name to address'),
    peers: z.record(z.string(), z.string()).describe('The other services of the part: name to address'),
  })
  .meta({ id: 'Home' })

const links = {
  docs: '/docs',
  openapi: '/docs/json',
  health: '/health',
  ready: '/ready',
  metrics: '/metrics',
  faults: '/admin/faults',
}

/** `GET /`: where everything is. A page for people; JSON for whoever asks for it. */
export function homeRoute({ part, service, description, peers }: HomeDeps): FastifyPluginAsyncZod {
  const page = html({ part, service, description, peers })
  return async (app) => {
    const schema = {
      summary: 'Where everything is: a page, or JSON for a client that asks for it',
      tags: ['service'],
      response: {
        200: { content: { 'application/json': { schema: Home }, 'text/html': { schema: z.string() } } },
      },
    }
    app.get('/', { schema }, async ({ headers }, reply) => {
      reply.header('vary', 'accept')
      if (prefersJson(headers.accept))
        return reply.type('application/json').send({ part, service, description, links, peers } as never)
      return reply
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(page as never)
    })
  }
}

/** Whoever names JSON and not HTML, as browsers do, asks for it. */
const prefersJson = (accept = '') => /\bjson\b/i.test(accept) && !/\bhtml\b/i.test(accept)

function html({ part, service, description, peers }: HomeDeps): string {
  const list = (entries: [string, string][]) =>
    entries.map(([name, url]) => `<li><a href="${escaped(url)}">${escaped(name)}</a></li>`).join('\n')
  const others = Object.entries(peers)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(`${part} · ${service}`)}</title>
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>${escaped(service)}</h1>
<p>${escaped(part)}. ${escaped(description)}</p>
<ul>
${list(Object.entries(links))}
</ul>${others.length === 0 ? '' : `\n<h2>The other services of this part</h2>\n<ul>\n${list(others)}\n</ul>`}
</html>
`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign)
