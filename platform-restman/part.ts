import { curlPost } from '@lab/stack/curl.ts'
import type { PartSpec, ServiceSpec, Surroundings } from '@lab/stack/spec.ts'

/** Of this run: with it the gateway signs who calls, and services believe it. */
const secret = `${crypto.randomUUID()}${crypto.randomUUID()}`

const signed = { GATEWAY_SECRET: secret }
const addresses = ({ urls }: Surroundings): Record<string, string> =>
  Object.fromEntries(
    Object.entries(urls)
      .filter(([name]) => name !== 'gateway')
      .map(([name, url]) => [`${name.toUpperCase().replaceAll('-', '_')}_URL`, url]),
  )
const kafka = ({ servers: { kafka } }: Surroundings) => ({
  KAFKA_BROKERS: kafka.brokers.join(','),
  ...(kafka.prefix !== '' && { KAFKA_PREFIX: kafka.prefix }),
})
const redis = ({ servers: { redis } }: Surroundings) => ({ REDIS_URL: redisUrl(redis) })
const smtp = ({ servers: { mail } }: Surroundings) => ({
  SMTP_HOST: mail.host,
  SMTP_PORT: String(mail.port),
  ...(mail.username && { SMTP_USERNAME: mail.username, SMTP_PASSWORD: mail.password }),
})

const service = (
  name: string,
  port: number,
  env: (around: Surroundings) => Record<string, string>,
): ServiceSpec => ({
  name,
  entry: `platform-restman/services/${name}/server.ts`,
  port,
  env: (around) => ({ ...signed, ...env(around) }),
  compose: { name: `restman-${name}`, port: `RESTMAN_${name.replace('-service', '').toUpperCase()}_PORT` },
})
const withDatabase = (
  name: string,
  port: number,
  env: (around: Surroundings) => Record<string, string> = () => ({}),
): ServiceSpec =>
  service(name, port, (around) => ({
    DATABASE_URL: around.servers.postgres.services?.[name] ?? around.servers.postgres.url,
    ...kafka(around),
    ...env(around),
  }))

export const ADMIN_EMAIL = 'user@example.com'

const services: ServiceSpec[] = [
  {
    ...service('gateway', 8000, (around) => ({
      ...addresses(around),
      ...redis(around),
      ...(around.servers.mail.apiUrl && { MAIL_PAGE_URL: around.servers.mail.apiUrl }),
    })),
    entry: 'platform-restman/gateway/server.ts',
  },
  withDatabase('auth-service', 8001, (around) => ({ ...redis(around), ...smtp(around), ADMIN_EMAIL })),
  withDatabase('restaurant-service', 8002, redis),
  withDatabase('order-service', 8003, ({ urls }) => ({
    RESTAURANT_SERVICE_URL: urls['restaurant-service']!,
  })),
  withDatabase('kitchen-service', 8004, (around) => ({
    ...smtp(around),
    ORDER_SERVICE_URL: around.urls['order-service']!,
  })),
  withDatabase('billing-service', 8005),
  service('analytics-service', 8006, (around) => ({
    ...kafka(around),
    CLICKHOUSE_URL: around.servers.clickhouse.url,
    CLICKHOUSE_DATABASE: around.servers.clickhouse.database,
  })),
  withDatabase('scheduler-service', 8007, (around) => ({
    ...addresses(around),
    ...smtp(around),
    REPORT_TO: ADMIN_EMAIL,
  })),
]

export const part: PartSpec = {
  name: 'platform-restman',
  style: 'a platform behind one gateway',
  isTrio: false,
  basePort: 8600,
  servers: ['postgres', 'kafka', 'redis', 'clickhouse', 'mail'],
  databases: services
    .map(({ name }) => name)
    .filter((name) => name !== 'gateway' && name !== 'analytics-service'),
  services,
  shared: {
    'shared/events': [],
    'shared/kafka': ['kafkajs'],
    'shared/db': ['pg'],
    'shared/identity': [],
    'shared/redis': ['redis'],
    'shared/mail': ['nodemailer'],
    'shared/neighbour': [],
    'shared/wire': [],
    postman: [],
  },
  clients: ['undici'],
  compose: {
    helpers: {
      'restman-cockroach': ['RESTMAN_SQL_PORT', 'RESTMAN_SQL_UI_PORT'],
      'restman-databases': [],
      'restman-kafka': ['RESTMAN_KAFKA_PORT'],
      'restman-kafka-ui': ['RESTMAN_KAFKA_UI_PORT'],
      'restman-redis': ['RESTMAN_REDIS_PORT'],
      'restman-clickhouse': ['RESTMAN_CLICKHOUSE_PORT', 'RESTMAN_CLICKHOUSE_NATIVE_PORT'],
      'restman-mail': ['RESTMAN_SMTP_PORT', 'RESTMAN_MAIL_PORT'],
    },
    servers: {
      postgres: 'restman-cockroach',
      kafka: 'restman-kafka',
      redis: 'restman-redis',
      clickhouse: 'restman-clickhouse',
      mail: 'restman-mail',
    },
    env: () => signed,
  },
  guide: ({ services: { gateway }, servers: { mail } }) => {
    const api = `${gateway!.url}/api`
    const asMe = `-H "authorization: Bearer $TOKEN"`
    return [
      ['every route', `${gateway!.url}/docs`],
      ['a code by mail', curlPost(`${api}/auth/request-otp`, { email: ADMIN_EMAIL })],
      ...(mail?.apiUrl ? ([['where mails are', mail.apiUrl]] as [string, string][]) : []),
      [
        'sign in: TOKEN is its session_token',
        curlPost(`${api}/auth/verify-otp`, { email: ADMIN_EMAIL, otp: '123456' }),
      ],
      ['a restaurant', `${curlPost(`${api}/restaurants`, { name: 'Trattoria Ada' })} ${asMe}`],
      ['what sells', `curl -s '${api}/analytics/top-foods?limit=10' ${asMe}`],
      ['why is my order here', `${gateway!.url}/why/ORDER_ID`],
    ]
  },
  commands: {
    word: 'restman',
    about: 'the Postman collection of a running gateway',
    list: {
      postman: {
        about: 'write the Postman collection of a running gateway',
        load: () => import('./postman/command.ts'),
      },
    },
  },
}

const redisUrl = ({ host, port, tls, db, login }: Surroundings['servers']['redis']) =>
  `redis${tls ? 's' : ''}://${encodeURIComponent(login.username)}:${encodeURIComponent(login.password)}@${host}:${port}/${db}`
