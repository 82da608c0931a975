import { didYouMean } from '@lab/lab/near.ts'
import { ControlRefused, controlAt } from '@lab/stack/control/client.ts'
import { type FoundControl, findControls } from '@lab/stack/control/find.ts'
import type { Unit } from '@lab/stack/control/protocol.ts'
import type { ControlCommand } from './control-command-line.ts'
import { UsageError } from './suggest.ts'
import type { Terminal } from './terminal.ts'

interface Up extends FoundControl {
  units: Unit[]
}

/** Stops, kills, starts, pauses what an `up` of this user runs, or says what that is. Exit code 1 when it would not. */
export async function controlCommand(command: ControlCommand, terminal: Terminal): Promise<number> {
  const { action, name, run, json } = command
  const ups = await listUps(run)
  if (action === 'ps') return show(ups, terminal, json)
  const { path } = oneWith(ups, name!)
  try {
    const done = await controlAt(path).act(action, name!)
    const { state, pid } = done.unit
    if (json) terminal.document(`${JSON.stringify(done, null, 2)}\n`)
    else if (!done.changed) terminal.print(`${name} is ${state} already`)
    else terminal.print(`${name} is ${state}${pid === undefined ? '' : `, pid ${pid}`} (${done.ms} ms)`)
    return 0
  } catch (err) {
    if (!(err instanceof ControlRefused)) throw err
    throw new Error(err.message, { cause: err })
  }
}

async function listUps(run: string | undefined): Promise<Up[]> {
  const found = findControls()
  if (found.length === 0)
    throw new UsageError('Nothing is up: start it with `npm run lab -- up`, in another terminal')
  const chosen = run === undefined ? found : found.filter(({ run: id }) => id === run)
  if (chosen.length === 0) {
    const ids = found.map(({ run: id }) => id)
    throw new UsageError(
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
    throw new UsageError(`${name} is up in ${having.length} runs: say which${ids.join('')}`)
  }
  const known = [...new Set(ups.flatMap(({ units }) => units.map((unit) => unit.name)))]
  throw new UsageError(`Nothing is up as '${name}'.${suggestion(name, known)} Known: ${known.join(', ')}`)
}

/** A name without its part, or with another spelling. */
function suggestion(name: string, known: readonly string[]): string {
  const endings = known.filter((one) => one.split('/')[1] === name)
  if (endings.length > 0) return ` Did you mean ${endings.map((one) => `'${one}'`).join(' or ')}?`
  return didYouMean(name, known)
}

function show(ups: Up[], terminal: Terminal, json: boolean): number {
  if (json) {
    const shown = ups.map(({ run, pid, openedAt, units }) => ({ run, pid, openedAt, units }))
    terminal.document(`${JSON.stringify(shown, null, 2)}\n`)
    return 0
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
  return 0
}
