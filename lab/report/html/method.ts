import { counted } from '../number.ts'
import type { Results } from '../results.ts'
import { html, type Markup } from './markup.ts'

/** What the numbers come from, and the command that makes such numbers again. */
export function method(results: Results): Markup {
  const facts = factsOf(results)
  return html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<h3>To repeat it</h3><pre>${howToRepeat(results)}</pre>`
}

function factsOf(results: Results): (readonly [string, string])[] {
  const { environment, run, profile, started_at } = results
  const memory = `${(environment.memory_bytes / 2 ** 30).toFixed(1)} GiB of memory`
  const cpu = `${environment.cpu}, ${counted(environment.cpu_count, 'processor')}, ${memory}`
  return [
    ['Run', run],
    ['Started', `${started_at.slice(0, 19).replace('T', ' ')} UTC${lasted(results)}`],
    ['Profile', profile],
    ['Code', codeOf(results)],
    ['Machine', cpu],
    ['System', `${environment.os}, ${environment.arch}`],
    ['Node', environment.node],
    ...results.brokers.map(
      ({ kind, version, origin }) => [NAMES[kind], `${version}, ${ORIGINS[origin]}`] as const,
    ),
  ]
}

const NAMES = { rabbitmq: 'RabbitMQ', kafka: 'Kafka' } as const

const ORIGINS = {
  local: 'a private process of this run',
  docker: 'a container of this run',
  external: 'running before, and kept running',
} as const

function lasted({ started_at, ended_at }: Results): string {
  if (ended_at === undefined) return '; no end is recorded'
  const seconds = (Date.parse(ended_at) - Date.parse(started_at)) / 1_000
  return `, for ${seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`}`
}

function codeOf({ environment: { git_commit, git_dirty } }: Results): string {
  if (git_commit === undefined) return 'no commit is recorded'
  return git_dirty ? `commit ${git_commit}, with changes that are in no commit` : `commit ${git_commit}`
}

/** The exact command. Other brokers, and a shared machine, give other numbers. */
function howToRepeat({ environment, brokers, planned, profile }: Results): string {
  const origins = [...new Set(brokers.map(({ origin }) => origin))]
  const pinned = origins.length === 1 ? `LAB_BROKERS=${origins[0]} ` : ''
  const { git_commit, git_dirty } = environment
  const checkout = git_commit !== undefined && !git_dirty ? [`git checkout ${git_commit}`, 'npm ci'] : []
  return [...checkout, `${pinned}npm run lab -- run ${planned.join(' ')} --profile ${profile}`].join('\n')
}
