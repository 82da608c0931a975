import { didYouMean } from '@lab/lab/near.ts'
import { ControlRefused, controlAt } from '@lab/stack/control/client.ts'
import { type FoundControl, findControls } from '@lab/stack/control/find.ts'
import { type Action, actions, type Unit } from '@lab/stack/control/protocol.ts'
import { type Command, InvalidArgumentError } from 'commander'
import { common, openTerminal } from './command-line.ts'

interface Options {
  /** The run, where several are up. */
  run?: string
  json?: boolean
}

const ABOUT: Record<Action, [summary: string, description: string]> = {
  stop: ['one of these, in order', 'Stops it in order (SIGTERM), and waits until it is gone.'],
  kill: ['at once', 'Ends it at once (SIGKILL): what it had not written is lost, as when a machine dies.'],
  start: [
    'again, with its own environment, port and data',
    'Starts it again with its own environment, port and data, and waits until it is ready. What is paused goes on.',
  ],
  pause: [
    'it stands still, and keeps its connections',
    'Makes it stand still (SIGSTOP): it keeps its connections and answers nothing.',
  ],
  resume: ['it goes on', 'Lets it go on (SIGCONT).'],
}

/** `ps`, and what stops, kills, starts, pauses and resumes what an `up` of this user runs. */
export function addControl(program: Command): void {
  program
    .command('ps')
    .summary('what is up: each service and server of a part, its state and pid')
    .description(
      'Names every service and server that an `up` of this user runs, its state, pid and address. A server of somebody else is named too, and never touched.',
    )
    .option('--run <id>', 'of one run, where several are up')
    .addOption(common.json)
    .addOption(common.verbose)
    .action(async ({ run, json = false }: Options) => show(await listUps(run), json))
  for (const action of actions) {
    const [summary, description] = ABOUT[action]
    program
      .command(action)
      .summary(summary)
      .description(
        `${description}\nIt has to be of an \`up\` of this user. What is so already stays so, and that is no error.`,
      )
      .argument('<part/name>', 'a service or server of a part; `npm run lab -- ps` names all')
      .option('--run <id>', 'of which run, where several are up')
      .addOption(common.json)
      .addOption(common.verbose)
      .addHelpText(
        'after',
        '\nExit code 0 when it is so, 1 when it could not be done, 2 when there is no such thing.',
      )
      .action((name: string, options: Options) => act(action, name, options))
  }
}

async function act(action: Action, name: string, { run, json = false }: Options): Promise<void> {
  const { document, print } = openTerminal({ json })
  const { path } = oneWith(await listUps(run), name)
  try {
    const done = await controlAt(path).act(action, name)
    const { state, pid } = done.unit
    if (json) document(`${JSON.stringify(done, null, 2)}\n`)
    else if (!done.changed) print(`${name} is ${state} already`)
    else print(`${name} is ${state}${pid === undefined ? '' : `, pid ${pid}`} (${done.ms} ms)`)
  } catch (err) {
    if (!(err instanceof ControlRefused)) throw err
    throw new Error(err.message, { cause: err })
  }
}

interface Up extends FoundControl {
  units: Unit[]
}

async function listUps(run: string | undefined): Promise<Up[]> {
  const found = findControls()
  if (found.length === 0)
    throw new InvalidArgumentError('Nothing is up: start it with `npm run lab -- up`, in another terminal')
  const chosen = run === undefined ? found : found.filter(({ run: id }) => id === run)
  if (chosen.length === 0) {
    const ids = found.map(({ run: id }) => id)
    throw new InvalidArgumentError(
      `There is no run '${run}' that is up.${didYouMean(run!, ids)} Known: ${ids.join(', ')}`,
    )
  }
  return Promise.all(chosen.map(async (one) => ({ ...one, units: await controlAt(one.path).list() })))
}

/** The one run that has it. */
function oneWith(ups: readonly Up[], name: string): Up {
  const having = ups.filter(({ units }) => units.some((unit) => unit.name === name))
  if (having.length === 1) return having[0]!
  if (having.length > 1) {
    const ids = having.map(({ run, pid, openedAt }) => `\n  --run ${run}   (pid ${pid}, since ${openedAt})`)
    throw new InvalidArgumentError(`${name} is up in ${having.length} runs: say which${ids.join('')}`)
  }
  const known = [...new Set(ups.flatMap(({ units }) => units.map((unit) => unit.name)))]
  throw new InvalidArgumentError(
    `Nothing is up as '${name}'.${suggestion(name, known)} Known: ${known.join(', ')}`,
  )
}

/** A name without its part, or with another spelling. */
function suggestion(name: string, known: readonly string[]): string {
  const endings = known.filter((one) => one.split('/')[1] === name)
  if (endings.length > 0) return ` Did you mean ${endings.map((one) => `'${one}'`).join(' or ')}?`
  return didYouMean(name, known)
}

function show(ups: Up[], json: boolean): void {
  const terminal = openTerminal({ json })
  if (json) {
    const shown = ups.map(({ run, pid, openedAt, units }) => ({ run, pid, openedAt, units }))
    terminal.document(`${JSON.stringify(shown, null, 2)}\n`)
    return
  }
  for (const { run, pid, units } of ups) {
    terminal.table({
      title: `Run ${run}, pid ${pid}`,
      columns: ['name', 'state', 'pid', 'address'],
      rows: units.map((unit) => [
        unit.name,
        unit.controlled ? unit.state : 'somebody else’s',
        unit.pid === undefined ? '–' : String(unit.pid),
        unit.address,
      ]),
    })
  }
}
