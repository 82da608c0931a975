import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ComposeError, explain, findCompose } from '@lab/stack/compose/cli.ts'
import { ACL_AT, composeOverride, portVariables } from '@lab/stack/compose/override.ts'
import { NODE_FLAGS } from '@lab/stack/service.ts'
import { describe, expect, test } from 'vitest'
import { livePage, parts } from '../parts.ts'

const ROOT = resolve(import.meta.dirname, '..')
const composeFile = (part: string) => readFileSync(join(ROOT, part, 'docker-compose.yml'), 'utf8')

describe.each(parts)('the compose file of $name', (spec) => {
  test('has every service under the name the lab stops and starts it by', () => {
    for (const service of spec.services) {
      expect(composeFile(spec.name)).toContain(`\n  ${service.compose.name}:\n`)
    }
  })

  test('takes its ports from the variables the lab sets, and each has a default', () => {
    const variables = portVariables(spec)
    for (const variable of variables) expect(composeFile(spec.name)).toMatch(`\${${variable}:-`)
    const published = composeFile(spec.name).match(/"127\.0\.0\.1:\$\{(\w+):-\d+\}:\d+"/g) ?? []
    expect(published).toHaveLength(variables.length)
  })

  test('asks for ADMIN_TOKEN in every service, and has none to guess', () => {
    const file = composeFile(spec.name)
    expect(file).toMatch(/\n {2}ADMIN_TOKEN: \$\{ADMIN_TOKEN:-\}\n/)
    expect(file.match(/^ {6}<<: \*environment$/gm)).toHaveLength(spec.services.length)
  })

  test('is overlaid with the environment and the label of a run for each of its services', () => {
    const text = composeOverride(spec, { runId: 'run-1', env: { STOCK: 'pizza=1' }, serviceEnv: {} })
    const { services } = JSON.parse(text)
    for (const service of spec.services) {
      expect(services[service.compose.name]).toMatchObject({
        labels: { 'messaging-lab.run': 'run-1' },
        environment: { STOCK: 'pizza=1' },
      })
    }
    for (const name of Object.keys(spec.compose.helpers))
      expect(services[name].container_name).toBe(`lab-run-1-${name}`)
  })
})

test.each([...parts, livePage])(
  'the compose file of $name starts services with the flags they have without Docker',
  (spec) => {
    const commands = composeFile(spec.name).match(/(?<=^ {4}command: ).*\/server\.ts$/gm)
    expect(commands?.toSorted()).toEqual(
      spec.services.map(({ heap = [], entry }) => [...heap, entry].join(' ')).toSorted(),
    )
  },
)

test('the ACL of a run takes the place of the one that Redis is started with', () => {
  const spec = parts.find(({ name }) => name === 'realtime-redis')!
  const files = [{ container: 'redis', from: '/run/x.acl', at: ACL_AT }]
  const { services } = JSON.parse(composeOverride(spec, { runId: 'run-1', env: {}, serviceEnv: {}, files }))

  expect(services.redis.volumes).toEqual([`/run/x.acl:${ACL_AT}:ro`])
  expect(composeFile(spec.name)).toContain(`./redis/users.acl:${ACL_AT}:ro`)
  expect(composeFile(spec.name)).toContain(`--aclfile ${ACL_AT}`)
})

test('the parts that the .env of the root puts side by side take no port twice', () => {
  const settings = Object.fromEntries(
    readFileSync(join(ROOT, '.env'), 'utf8')
      .split('\n')
      .flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []])
      .filter(({ length }) => length > 0),
  )
  const text = settings.COMPOSE_FILE.split(':').map((file: string) => readFileSync(join(ROOT, file), 'utf8'))
  const published = [...text.join('\n').matchAll(/"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:\d+"/g)]
  const ports = published.map(([, variable, byDefault]) => settings[variable!] ?? byDefault)

  expect(ports.length).toBeGreaterThan(10)
  expect(ports.toSorted()).toEqual([...new Set(ports)].toSorted())
})

describe('the image of the services', () => {
  test('runs as an ordinary user', () => {
    const users = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').match(/^(?:FROM|USER) .*$/gm)
    expect(users?.at(-1)).toBe('USER node')
  })

  test('runs Node with the flags that services have without Docker', () => {
    const [, start] = /^ENTRYPOINT (\[[^\]]*\])$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? []
    expect(JSON.parse(start?.replaceAll('\\\n', '') ?? 'null')).toEqual(['node', ...NODE_FLAGS])
  })

  test('finds the files of stack that the live page imports', () => {
    const file = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
    expect(file).toContain('RUN ln -s ../../stack node_modules/@lab/stack\n')
  })
})

describe('docker compose', () => {
  test('is refused in one line where no engine answers', async () => {
    const nowhere = findCompose({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })
    await expect(nowhere).rejects.toThrow(ComposeError)
    await expect(nowhere).rejects.toThrow(/^no Docker engine answers[^\n]*$/)
  })

  test.each([
    [
      'Error starting userland proxy: listen tcp4 127.0.0.1:5672: bind: address already in use',
      '127.0.0.1:5672 is in use',
    ],
    ['Bind for 127.0.0.1:8000 failed: port is already allocated', '127.0.0.1:8000 is in use'],
    ["Unsupported config option for services.x: 'frob'", 'too old'],
    ['write /x: no space left on device', 'disk of the Docker engine is full'],
    ['first line\nthe reason', 'docker compose up failed: the reason'],
  ])('says %j in one line', (output, said) => {
    const line = explain(['-f', 'x.yml', 'up', '-d'], output)
    expect(line).toContain(said)
    expect(line).not.toContain('\n')
  })
})
