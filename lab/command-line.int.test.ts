import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@lab/kit/wait.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { isPortFree } from '@lab/stack/ports.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Results } from './run/schema.ts'
import { type CommandLine, startCommandLine, startNpmScript } from './testing/command-line.ts'

const nothing = { processes: [], folders: [] }
const quick = ['--profile', 'quick', '--out', 'results']

describe('npm run lab -- run', () => {
  test('prints a valid document and nothing else with --json, saves it with the logs, and leaves nothing', async () => {
    const lab = run(['run', 'rest-baseline', ...quick, '--json'])

    expect(await lab.ended(), lab.stderr()).toBe(0)

    const printed = Results.parse(JSON.parse(lab.stdout()))
    expect(printed).toMatchObject({
      complete: true,
      profile: 'quick',
      planned: ['rest-baseline'],
      brokers: [],
    })
    expect(printed.experiments).toMatchObject([{ name: 'rest-baseline', verdict: 'holds' }])
    const folder = resultsOf(lab)
    expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))).toEqual(printed)
    expect(readdirSync(join(folder, 'logs'))).toContain('sync-rest-order-service.log')
    expect(lab.left()).toEqual(nothing)
  })

  test('shows a table and a verdict, and says where the results are', async () => {
    const lab = run(['run', 'rest-failure', ...quick])

    expect(await lab.ended(), lab.stderr()).toBe(0)

    expect(lab.stdout()).toMatch(/^holds {2}rest-failure {2}every order/m)
    expect(lab.stdout()).toContain('1 of 1 hold')
    expect(lab.stdout()).toContain(`Results and logs: ${resultsOf(lab)}`)
  })

  test('keeps what was found out when Ctrl-C ends it, marked as incomplete, and leaves nothing', async () => {
    const lab = run(['run', 'rest-failure', 'rest-baseline', ...quick])
    await lab.says('- rest-failure')

    lab.signal('SIGINT')

    expect(await lab.ended(), lab.stderr()).toBe(130)
    const saved = Results.parse(JSON.parse(readFileSync(join(resultsOf(lab), 'results.json'), 'utf8')))
    expect(saved.complete).toBe(false)
    expect(saved.experiments.map(({ verdict }) => verdict)).toEqual(['holds', 'interrupted'])
    expect(lab.left()).toEqual(nothing)
  })

  test('answers SIGTERM with exit code 143, and leaves nothing', async () => {
    const lab = run(['run', 'rest-baseline', ...quick])
    await lab.says('- rest-baseline')
    await untilProcesses(lab)

    lab.signal('SIGTERM')

    expect(await lab.ended(), lab.stderr()).toBe(143)
    expect(lab.left()).toEqual(nothing)
    expect(existsSync(lab.out)).toBe(false)
  })

  test('goes on after a hang-up of npm, its shell and itself where nothing is on a terminal', async () => {
    const lab = startNpmScript(['run', 'lab', '--', 'run', 'rest-failure', ...quick])
    // All three services: one that is being started has not left the group yet that is hung up.
    await untilProcesses(lab, 3)

    process.kill(-lab.pid, 'SIGHUP')

    await lab.ended()
    const saved = Results.parse(JSON.parse(readFileSync(join(resultsOf(lab), 'results.json'), 'utf8')))
    expect(saved).toMatchObject({ complete: true, experiments: [{ verdict: 'holds' }] })
    expect(lab.left()).toEqual(nothing)
  })

  test('ends with npm when that is told to end, and leaves nothing', async () => {
    const lab = startNpmScript(['run', 'lab', '--', 'run', 'rest-baseline', ...quick])
    await untilProcesses(lab)

    process.kill(lab.pid, 'SIGTERM')

    await lab.ended()
    expect(lab.left()).toEqual(nothing)
    expect(existsSync(lab.out)).toBe(false)
  })

  test.skipIf(process.platform !== 'linux')('ends with its terminal, and leaves nothing', async () => {
    const command = `npm run lab -- run rest-baseline ${quick.slice(0, 2).join(' ')} --out "$TMPDIR/results"`
    const lab = startNpmScript(['-qec', command, '/dev/null'], { program: 'script' })
    await untilProcesses(lab)

    process.kill(lab.pid, 'SIGKILL')

    await lab.ended()
    expect(lab.left()).toEqual(nothing)
    expect(existsSync(lab.out)).toBe(false)
  })
})

describe('npm run lab -- up', () => {
  test('serves until Ctrl-C, and then no process, port or folder is left', async () => {
    const lab = run(['up', 'sync-rest', '--ports', 'free'], { STOCK: 'burger=7' })
    await lab.says('Ctrl-C stops everything')
    const urls = serviceUrls(lab)
    expect(urls).toHaveLength(3)
    expect(await (await fetch(`${urls[1]}/stock`)).json()).toMatchObject({ burger: 7, pizza: 100 })
    for (const url of urls) expect((await fetch(`${url}/docs`)).status).toBe(200)
    const log = openLogOf('order-service', lab)

    lab.signal('SIGINT')

    expect(await lab.ended(), lab.stderr()).toBe(130)
    expect(lab.left()).toEqual(nothing)
    expect(log.read()).toContain('"msg":"stopped"')
    for (const url of urls) expect(await isPortFree(Number(new URL(url).port))).toBe(true)
  })

  test('says when a service dies, with the end of its log, and keeps the others', async () => {
    const lab = run(['up', 'sync-rest', '--ports', 'free'])
    await lab.says('Ctrl-C stops everything')
    const [order, inventory] = serviceUrls(lab)
    // Lines are written in batches, and a SIGKILL takes what has not been written.
    const log = openLogOf('inventory-service', lab)
    let logged = ''
    const hasLogged = () => {
      logged += log.read()
      return logged.includes('"msg":"listening"')
    }
    await waitFor('its log', hasLogged)
    const dying = lab.left().processes.find((line) => line.includes('inventory-service'))

    process.kill(Number.parseInt(dying!, 10), 'SIGKILL')

    await lab.says('sync-rest: the inventory-service was ended by SIGKILL; the others keep running')
    await lab.says('"msg":"listening"')
    expect((await fetch(`${order}/health`)).status).toBe(200)
    await expect(fetch(`${inventory}/health`)).rejects.toThrow()
    lab.signal('SIGINT')
    expect(await lab.ended()).toBe(130)
    expect(lab.left()).toEqual(nothing)
  })

  test('cleans up after an error that nobody caught, and says which in one line', async () => {
    const boom = "data:text/javascript,setTimeout(()=>{throw(new(Error)('boom'))},1500)"
    const lab = run(['up', 'sync-rest', '--ports', 'free'], { NODE_OPTIONS: `--import="${boom}"` })

    expect(await lab.ended(), lab.stderr()).toBe(1)
    expect(lab.stderr()).toContain('lab failed: boom')
    expect(lab.stderr()).not.toContain('    at ')
    expect(lab.left()).toEqual(nothing)
  })

  test('names a port that is in use, and what to do', async () => {
    const server = createServer().listen(8001, '127.0.0.1')
    await once(server, 'listening').catch(() => {
      // Somebody else holds it: as good.
    })
    onTestFinished(() => void server.close())

    const lab = run(['up', 'sync-rest'])

    expect(await lab.ended()).toBe(1)
    expect(lab.stderr()).toMatch(/port 800\d, for the \S+ of sync-rest, is in use.*--ports free/)
    expect(lab.left()).toEqual(nothing)
  })
})

const obstacle = await localObstacle('rabbitmq')

describe.skipIf(obstacle)(`npm run lab, while a broker starts${obstacle ? ` (${obstacle})` : ''}`, () => {
  test.each([
    { what: 'once', times: 1 },
    { what: 'twice at once', times: 2 },
    { what: 'three times at once', times: 3 },
  ])('leaves nothing after Ctrl-C, $what', async ({ times }) => {
    const lab = run(['run', 'rabbit-dlq', ...quick], { LAB_BROKERS: 'local' })
    await lab.says('RabbitMQ: finding or starting it')
    await untilProcesses(lab)

    for (let sent = 0; sent < times; sent++) {
      lab.signal('SIGINT')
      await sleep(30) // two signals in the same moment are one
    }

    expect(await lab.ended(), lab.stderr()).toBe(130)
    expect(lab.left()).toEqual(nothing)
    expect(existsSync(lab.out)).toBe(false)
  })
})

const run = (args: string[], env?: NodeJS.ProcessEnv) => startCommandLine('scripts/lab.ts', args, env)

function resultsOf(lab: Pick<CommandLine, 'out'>): string {
  const [folder, ...others] = readdirSync(lab.out)
  expect(others).toEqual([])
  return join(lab.out, folder!)
}

/** In the order in which they are listed: order, inventory, the third. */
function serviceUrls(lab: CommandLine): string[] {
  return [...lab.stdout().matchAll(/^ {2}\S+ +(http:\/\/\S+) +http:\S+\/docs$/gm)].map(([, url]) => url!)
}

/** The log goes with the run folder; who has opened it before can still read how the service ended. */
function openLogOf(service: string, lab: CommandLine) {
  const [, folder] = /^Logs: (\S+)/m.exec(lab.stdout())!
  const name = readdirSync(folder!).find((file) => file.includes(service))!
  const fd = openSync(join(folder!, name), 'r')
  onTestFinished(() => closeSync(fd))
  return { read: () => readFileSync(fd, 'utf8') }
}

async function untilProcesses(lab: Pick<CommandLine, 'left'>, count = 1): Promise<void> {
  await expect.poll(() => lab.left().processes.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(count)
}
