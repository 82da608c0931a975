import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { localContext, openTestRun } from '../../fixtures/lab.ts'
import { downloadJars } from './maven.ts'

const java = { command: '/usr/bin/java', home: '/usr', major: 17 }
const pom = join(import.meta.dirname, 'pom.xml')
let folder: string
beforeEach(() => {
  folder = mkdtempSync('/tmp/lab-maven-')
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

/** A program in Maven's place that does what the script says; `$out` is where the jars are to be. */
function standIn(script: string): string {
  const program = join(folder, 'mvn')
  const out =
    'for one in "$@"; do case $one in -DoutputDirectory=*) out=$(echo "$one" | cut -d= -f2);; esac; done'
  writeFileSync(program, `#!/bin/sh\n${out}\n${script}\n`)
  chmodSync(program, 0o755)
  return program
}

const SAVES = 'mkdir -p "$out" && touch "$out/kafka_2.13.jar"'

async function download(script: string, env: NodeJS.ProcessEnv) {
  const ctx = localContext(await openTestRun())
  ctx.env = { PATH: process.env.PATH, ...env }
  return { ctx, jars: downloadJars(ctx, { maven: standIn(script), java, pom, what: 'Kafka' }) }
}

test("runs in the user's environment, where a mirror or a proxy is set up", async () => {
  const { jars, ctx } = await download(`[ "$MAVEN_OPTS" = -Dproxy ] || exit 1\n${SAVES}`, {
    MAVEN_OPTS: '-Dproxy',
  })

  expect(await jars).toBe(join(ctx.run.path, 'maven/jars'))
})

test.each(['MAVEN_OPTS', 'MAVEN_ARGS', 'M2_HOME', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS'])(
  'runs once more without %s when that made it fail, and names it',
  async (name) => {
    const { jars, ctx } = await download(`[ -z "$${name}" ] || exit 1\n${SAVES}`, {
      [name]: '-javaagent:/none',
    })

    await jars
    expect(ctx.said.join()).toContain(`once more without ${name}`)
  },
)

test('runs once more when other options gave it other work, which it did', async () => {
  const { jars } = await download(`[ -z "$MAVEN_ARGS" ] || exit 0\n${SAVES}`, { MAVEN_ARGS: '--version' })

  await jars
})

test('says what Maven said, and which variables it read, when it cannot download', async () => {
  const { jars } = await download("echo '[ERROR] no network'; exit 1", { MAVEN_OPTS: '-Dx' })

  await expect(jars).rejects.toThrow(/could not download Kafka.*no network.*told by MAVEN_OPTS/s)
})
