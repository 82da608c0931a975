import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { CommandIo, RunCommand } from '@lab/stack/spec.ts'
import { openAudit } from '../server/desk/audit.ts'
import { type Desk, openDesk } from '../server/desk/desk.ts'
import { deskFolder } from '../server/desk/folder.ts'
import { verdictOf } from '../server/desk/letter.ts'
import { placesOf } from '../server/desk/places.ts'
import type { RedriveOrder } from '../server/desk/redrive.ts'
import type { Letter, LetterDetail, Redrive, RedriveStep } from '../wire/desk.ts'
import { diffLines, readable } from '../wire/diff.ts'
import { runningParts } from './running.ts'

/** The command line was wrong. */
class Usage extends Error {}

interface Call<Values> {
  desk: Desk
  io: CommandIo
  values: Values
  names: string[]
  /** With `--json` a document on stdout, else text. */
  answer: (document: unknown, text: () => string) => void
}

const OPTIONS = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const
type Values = Record<string, string | boolean | undefined>

/** Exit code 2 for a wrong use, 1 where something did not end well; rejects with the signal's reason on Ctrl-C. */
function command(
  usage: string,
  options: ParseArgsOptionsConfig,
  work: (call: Call<Values>) => Promise<number>,
): RunCommand {
  return async (args, io) => {
    try {
      const { values, positionals } = parsed(args, { ...OPTIONS, ...options })
      if (values.help) {
        io.print(usage.trimEnd())
        return 0
      }
      const parts = runningParts(io.env)
      const audit = openAudit(deskFolder(io.env))
      const places = placesOf(parts, audit)
      if (places.length === 0)
        throw new LabError('LAB_NOT_FOUND', 'None of the parts that run keeps dead letters')
      const onChange = (redrive: Redrive) => values.json || report(redrive, io)
      const desk = openDesk({ places, audit, onChange })
      const answer: Call<Values>['answer'] = (document, text) =>
        io.print(values.json ? JSON.stringify(document, null, 2) : text())
      return await work({ desk, io, values, names: positionals, answer })
    } catch (err) {
      if (io.signal.aborted) throw io.signal.reason
      if (err instanceof Usage) {
        io.say(`${err.message}\n\n${usage.trimEnd()}`)
        return 2
      }
      if (!(err instanceof LabError)) throw err
      io.say(err.message)
      return 1
    }
  }
}

function parsed(args: string[], options: ParseArgsOptionsConfig) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    return { values: values as Values, positionals }
  } catch (err) {
    throw new Usage(messageOf(err).split('\n')[0])
  }
}

const WHERE = `Of the newest \`npm run lab -- up\` that runs; or of the brokers that RABBITMQ_URL and KAFKA_BROKERS (KAFKA_PREFIX) name,
with the order service at ORDER_URL. What is done is written to audit.jsonl in DESK_DIR (default: results/desk).`

export const list = command(
  `Usage: npm run lab -- dlq list [options]

Shows the dead letters of RabbitMQ and Kafka, the oldest first, without consuming any: nothing is lost, reordered or counted.
${WHERE}

  --part <name>    async-rabbitmq or streaming-kafka alone
  --group <text>   only those whose reason is like this
  --limit <n>      at most so many of each part (default: 500)
  --json           as JSON on stdout
  --help           this text
`,
  { part: { type: 'string' }, group: { type: 'string' }, limit: { type: 'string' } },
  async ({ desk, io, values, answer }) => {
    const limit = number('--limit', values.limit)
    const found = await desk.list({ part: partOf(values.part), ...(limit !== undefined && { limit }) })
    const letters = found.letters.filter(isOfGroup(values.group))
    answer({ ...found, letters }, () => listText(letters, found.total))
    for (const [part, why] of Object.entries(found.trouble)) io.say(`${part}: ${why}`)
    return Object.keys(found.trouble).length > 0 ? 1 : 0
  },
)

export const show = command(
  `Usage: npm run lab -- dlq show <id> [--json]

Shows one dead letter whole: message, headers, where it came from, attempts, trace, what the schema says of it, and its order.
${WHERE}
`,
  {},
  async ({ desk, names, answer }) => {
    const letter = await desk.show(oneId(names))
    answer(letter, () => detailText(letter))
    return 0
  },
)

export const edit = command(
  `Usage: npm run lab -- dlq edit <id> [options]

Opens the body in VISUAL or EDITOR (or takes another from a file), shows what changes and what the schema says, and sends the
new body back to where the letter came from, under a new message id that names the old one. What the schema refuses is not
sent. The letter goes when the broker has confirmed its replacement.

  --body <file>    the new body; '-' reads stdin
  --dry-run        shows the difference and the verdict, and sends nothing
  --timeout <s>    how long to wait for its outcome (default: 30)
  --json           as JSON on stdout
  --help           this text

${WHERE}
`,
  { body: { type: 'string' }, 'dry-run': { type: 'boolean' }, timeout: { type: 'string' } },
  async ({ desk, io, values, names, answer }) => {
    const letter = await desk.show(oneId(names))
    if (!letter.is_text)
      throw new LabError('LAB_REQUEST_INVALID', `${letter.id}: its body is no text, and cannot be edited`)
    const before = readable(letter.body)
    const edited = typeof values.body === 'string' ? readBody(values.body) : inEditor(before, io.env)
    const difference = diffLines(before, readable(edited))
    const verdict = verdictOf(edited, letter.origin)
    if (!values.json) {
      for (const { sign, text } of difference) io.print(`${sign} ${shown(text)}`)
      io.print(
        verdict.ok
          ? 'The schema takes it.'
          : `The schema refuses it: ${verdict.problems.map(shown).join('; ')}`,
      )
    }
    if (values['dry-run'] || !verdict.ok) {
      if (values.json) answer({ difference, verdict }, () => '')
      return verdict.ok ? 0 : 1
    }
    return await redriven(orderOf([letter.id], { ...values, mode: 'new-id' }, edited), { desk, io, answer })
  },
)

export const redrive = command(
  `Usage: npm run lab -- dlq redrive <id…> [options]
       npm run lab -- dlq redrive --group <text> [--part <name>] [options]

Sends dead letters back to where they came from, in batches of 1, 2, 5, 10, 20, 50, 100, …; the next one when the consumers have dealt
with the last. Stops by itself when one dies again, is not heard of in time, or cannot be sent. The selection is what is
there when it begins: what dies later is no part of it. A letter goes when the broker has confirmed its replacement.

  --group <text>   all whose reason is like this
  --part <name>    only those of async-rabbitmq or streaming-kafka
  --all            all there are, of the part
  --unchanged      byte for byte; without it under a new message id, beside the old one
  --batch <n>      so many at once
  --rate <n>       so many a second (default: 50)
  --timeout <s>    how long a batch may take to be heard of (default: 30)
  --json           as JSON on stdout
  --help           this text

${WHERE}
`,
  {
    group: { type: 'string' },
    part: { type: 'string' },
    all: { type: 'boolean' },
    unchanged: { type: 'boolean' },
    batch: { type: 'string' },
    rate: { type: 'string' },
    timeout: { type: 'string' },
  },
  async ({ desk, io, values, names, answer }) => {
    const byPart = await chosen(desk, values, names)
    let code = 0
    const done: Redrive[] = []
    for (const letters of byPart) {
      const order = orderOf(letters, { ...values, mode: values.unchanged ? 'unchanged' : 'new-id' })
      code = Math.max(
        code,
        await redriven(order, { desk, io, answer: (document) => void done.push(document as Redrive) }),
      )
    }
    answer(done, () => done.map(redriveText).join('\n'))
    return code
  },
)

export const discard = command(
  `Usage: npm run lab -- dlq discard <id…> --why <text> [--json]

Discards dead letters for good. The audit trail keeps each of them whole, and why it went. Kafka deletes no single record: there
the letter stays in its topic, and is resolved by what the audit says of it.
${WHERE}
`,
  { why: { type: 'string' } },
  async ({ desk, values, names, answer }) => {
    if (names.length === 0) throw new Usage('discard takes the ids of letters')
    const why = String(values.why ?? '').trim()
    if (why.length < 3) throw new Usage('discard needs a reason: --why <text>')
    const outcome = await desk.discard({ letters: names, why, by: BY })
    answer(
      outcome,
      () => `${outcome.discarded.length} discarded; ${outcome.gone.length} were not there any more`,
    )
    return outcome.gone.length === 0 ? 0 : 1
  },
)

const BY = `command line, ${userInfo().username}`

async function redriven(
  order: RedriveOrder,
  { desk, io, answer }: Pick<Call<Values>, 'desk' | 'io' | 'answer'>,
): Promise<number> {
  const { redrive, ended } = await desk.redrive(order, io.signal)
  await ended
  answer(redrive, () => redriveText(redrive))
  return redrive.state === 'done' &&
    redrive.steps.every(({ state }) => state === 'effected' || state === 'repeated')
    ? 0
    : 1
}

function orderOf(
  letters: string[],
  values: Values & { mode: RedriveOrder['mode'] },
  edited?: string,
): RedriveOrder {
  return {
    letters,
    mode: values.mode,
    edited,
    batch: number('--batch', values.batch),
    perSecond: number('--rate', values.rate) ?? 50,
    timeoutMs: (number('--timeout', values.timeout) ?? 30) * 1_000,
    by: BY,
  }
}

/** The ids that are meant, of each part by itself: fixed here. */
async function chosen(desk: Desk, values: Values, names: string[]): Promise<string[][]> {
  const isQuery = values.group !== undefined || values.all === true
  if (names.length > 0 && isQuery) throw new Usage('give ids, or --group, or --all: not several of them')
  if (names.length === 0 && !isQuery)
    throw new Usage('redrive takes the ids of letters, or --group, or --all')
  const { letters, trouble } = await desk.list({ part: partOf(values.part), limit: 5_000 })
  const wanted = isQuery
    ? letters.filter(isOfGroup(values.group))
    : letters.filter(({ id }) => names.includes(id))
  const missing = names.filter((name) => !letters.some(({ id }) => id === name))
  const troubles = Object.entries(trouble).map(([part, why]) => `${part}: ${why}`)
  if (missing.length > 0 || wanted.length === 0)
    throw new LabError(
      'LAB_NOT_FOUND',
      [`There is no dead letter ${missing.join(', ') || 'like that'}`, ...troubles].join('; '),
    )
  return [...Map.groupBy(wanted, ({ part }) => part).values()].map((all) => all.map(({ id }) => id))
}

const isOfGroup = (text: Values[string]) => {
  const wanted = typeof text === 'string' ? text.toLowerCase() : ''
  return ({ reason, group }: Letter) => `${reason}\n${group}`.toLowerCase().includes(wanted)
}

function partOf(text: Values[string]): string | undefined {
  if (text === undefined || text === 'async-rabbitmq' || text === 'streaming-kafka') return text
  throw new Usage(`--part: '${text}' is not async-rabbitmq or streaming-kafka`)
}

function number(name: string, text: Values[string]): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new Usage(`${name}: '${text}' is not a number above 0`)
  return value
}

function oneId(names: string[]): string {
  const [id, ...others] = names
  if (id === undefined || others.length > 0)
    throw new Usage(`it takes the id of one letter, but ${names.length} were given`)
  return id
}

function readBody(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (err) {
    throw new Usage(`--body: ${messageOf(err)}`)
  }
}

/** In a folder of its own, as what customers wrote is for nobody else. */
function inEditor(body: string, env: NodeJS.ProcessEnv): string {
  const editor = env.VISUAL ?? env.EDITOR
  if (editor === undefined) throw new Usage('set VISUAL or EDITOR, or give the new body with --body <file>')
  const folder = mkdtempSync(join(tmpdir(), 'dead-letter-'))
  const file = join(folder, 'body.json')
  try {
    writeFileSync(file, body, { mode: 0o600 })
    const { status } = spawnSync(editor, [file], { stdio: 'inherit', shell: true })
    if (status !== 0)
      throw new LabError('LAB_REQUEST_INVALID', `${editor} ended with ${status}: nothing is sent`)
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What strangers wrote moves no cursor and rings no bell. */
const shown = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (char) => JSON.stringify(`${char}`).slice(1, -1))

function listText(letters: Letter[], total: Record<string, number | undefined>): string {
  const groups = Map.groupBy(
    letters,
    ({ part, origin, group }) => `${part}, ${origin ?? 'of unknown origin'}: ${group}`,
  )
  const lines = [...groups].flatMap(([group, all]) => [
    shown(group),
    ...all.map(
      ({ id, died_at, attempts, redrives, order_id, reason }) =>
        `  ${id}  ${ageOf(died_at).padEnd(9)} attempts ${attempts ?? '–'}, sent back ${redrives}  ${shown(order_id ?? '–')}  ${shown(reason).slice(0, 80)}`,
    ),
  ])
  const counts = Object.entries(total).map(([part, count]) => `${part}: ${count ?? 'unknown'}`)
  return [...lines, `${letters.length} shown; there are ${counts.join(', ')}`].join('\n')
}

function ageOf(at: number | undefined): string {
  if (at === undefined) return 'unknown'
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1_000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

function detailText(letter: LetterDetail): string {
  const { headers, properties, body, verdict, order } = letter
  const facts: Record<string, unknown> = {
    letter: letter.id,
    at: letter.at,
    'came from': letter.came_from,
    reason: letter.reason,
    died:
      letter.died_at === undefined
        ? undefined
        : `${new Date(letter.died_at).toISOString()}, ${ageOf(letter.died_at)} ago`,
    attempts: letter.attempts,
    'sent back': letter.redrives,
    replaces: letter.replaces,
    'message id': letter.message_id,
    'order id': letter.order_id,
    order:
      order === null
        ? 'not known to the order service'
        : order && [order.status, order.reason].filter(Boolean).join(', '),
    key: letter.key,
    trace: letter.trace,
    schema: verdict.ok ? 'takes it' : `refuses it: ${verdict.problems.join('; ')}`,
  }
  const table = (rows: Record<string, unknown>) =>
    Object.entries(rows).flatMap(([name, value]) =>
      value === undefined ? [] : `${shown(name).padEnd(22)}${shown(String(value))}`,
    )
  return [
    ...table(facts),
    '',
    'headers',
    ...table(headers),
    ...(Object.keys(properties).length > 0 ? ['', 'properties', ...table(properties)] : []),
    '',
    ...readable(body).split('\n').map(shown),
  ].join('\n')
}

const told = new Map<string, string>()

/** Says what has changed of each letter. */
function report({ steps }: Redrive, io: CommandIo): void {
  for (const step of steps) {
    const line = stepText(step)
    if (step.state === 'waiting' || step.state === 'held-back' || told.get(step.letter) === line) continue
    told.set(step.letter, line)
    io.say(line)
  }
}

const stepText = ({ letter, batch, state, fact }: RedriveStep) =>
  `${letter}  batch ${batch ?? '–'}  ${state}${fact === undefined ? '' : `: ${shown(fact)}`}`

function redriveText({ state, why, steps, part }: Redrive): string {
  const counts = [...Map.groupBy(steps, (step) => step.state)].map(([name, all]) => `${all.length} ${name}`)
  return `${part}: ${state}${why === undefined ? '' : `, ${shown(why)}`}: ${counts.join(', ')}`
}
