import { curlPost } from '@lab/stack/curl.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import type { PartSpec } from '@lab/stack/spec.ts'

export const part: PartSpec = {
  name: 'realtime-redis',
  style: 'Redis and WebSockets',
  isTrio: false,
  basePort: 8500,
  servers: ['redis'],
  serverOptions: {
    redis: {
      acl: {
        file: `${import.meta.dirname}/redis/users.acl`,
        login: { username: 'platform', password: 'pizza' },
      },
    },
  },
  services: [
    {
      name: 'platform-service',
      entry: 'realtime-redis/platform-service/server.ts',
      port: 8000,
      env: ({ urls, servers: { redis } }) => ({
        REDIS_HOST: redis.host,
        REDIS_PORT: String(redis.port),
        REDIS_USERNAME: redis.login.username,
        REDIS_PASSWORD: redis.login.password,
        REDIS_DB: String(redis.db),
        REDIS_TLS: String(redis.tls),
        ...pagesOf(urls['page-service']),
      }),
      compose: { name: 'redis-platform-service', port: 'REDIS_PLATFORM_PORT' },
    },
    {
      name: 'page-service',
      entry: 'realtime-redis/page-service/server.ts',
      port: 5173,
      env: ({ urls }) => ({ VITE_API_URL: urls['platform-service']! }),
      page: {
        folder: 'realtime-redis/page',
        sources: ['realtime-redis/redis/statuses.ts', 'realtime-redis/redis/prices.ts'],
      },
      compose: { name: 'redis-page-service', port: 'REDIS_PAGE_PORT' },
    },
  ],
  shared: { redis: ['redis'], tools: [] },
  compose: {
    helpers: {
      redis: ['REDIS_PORT'],
      'redis-prometheus': ['PROMETHEUS_PORT'],
      'redis-grafana': ['GRAFANA_PORT'],
    },
    env: (port) => ({
      VITE_API_URL: `http://127.0.0.1:${port('REDIS_PLATFORM_PORT')}`,
      ...pagesOf(`http://127.0.0.1:${port('REDIS_PAGE_PORT')}`),
    }),
  },
  commands: {
    word: 'redis',
    about: 'whether a Redis does, what stands in the way, what is stored in it',
    list: {
      test: {
        about: 'say whether Redis does what the platform needs',
        load: () => import('./tools/test-redis.ts'),
      },
      diagnose: {
        about: 'go the way to Redis step by step, and name what is in it',
        load: () => import('./tools/diagnose-redis.ts'),
      },
      inspect: { about: 'show what is stored, as tables', load: () => import('./tools/inspect-redis.ts') },
    },
  },
  guide: ({ services: { 'page-service': page, 'platform-service': platform }, servers: { redis } }) => [
    ['a window of the supplier', `${page!.url}/?role=supplier`],
    ['of the customer', `${page!.url}/?role=customer`],
    ['of the dispatch', `${page!.url}/?role=dispatch`],
    ['of the whole system', `${page!.url}/?role=dashboard`],
    [
      'a supplier offers a pizza',
      curlPost(`${platform!.url}/api/orders`, {
        supplier_name: 'Pizza Palace',
        pizza_name: 'Margherita',
        supplier_price: 10,
      }),
    ],
    ['all that goes on', `curl -s ${platform!.url}/api/state`],
    ['what is in Redis', `npm run lab -- redis inspect --url ${urlOf(redis!)}`],
  ],
}

const urlOf = ({ host, port, db, tls, login }: Servers['redis']) =>
  `redis${tls ? 's' : ''}://${login.username}:${login.password}@${host}:${port}/${db}`

/** A page may be opened by either name of this machine. */
function pagesOf(url: string | undefined): Record<string, string> {
  if (url === undefined) return {}
  return { ALLOWED_ORIGINS: `${url},${url.replace('127.0.0.1', 'localhost')}` }
}
