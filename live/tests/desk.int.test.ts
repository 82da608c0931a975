import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { waitFor } from '@lab/kit/wait.ts'
import type { RunCommand } from '@lab/stack/spec.ts'
import { temporaryFolder } from '@lab/stack/temporary-folder.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import * as commands from '../dlq/commands.ts'
import { openAudit } from '../server/desk/audit.ts'
import { openDesk } from '../server/desk/desk.ts'
import { placesOf } from '../server/desk/places.ts'
import type { RedriveOrder } from '../server/desk/redrive.ts'
import type { Letter, Redrive } from '../wire/desk.ts'
import { type DeskPart, event, NOT_SOLD, openPart, type PartWithLetters } from './letters.ts'

const PARTS: DeskPart[] = ['async-rabbitmq', 'streaming-kafka']

describe.each(PARTS)('the dead-letter desk of %s', (name) => {
  let running: PartWithLetters
  beforeAll(async () => {
    running = await openPart(name)
  })
  afterAll(() => running?.close())

  function openOne() {
    const folder = mkdtempSync(join(temporaryFolder().path, 'lab-desk-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const audit = openAudit(folder)
    const changes: Redrive[] = []
    const onChange = (redrive: Redrive) => void changes.push(structuredClone(redrive))
    const desk = openDesk({ places: placesOf([running.seen], audit), audit, onChange })
    const order = (letters: string[], more: Partial<RedriveOrder> = {}): RedriveOrder => ({
      letters,
      mode: 'new-id',
      perSecond: 100,
      timeoutMs: 20_000,
      by: 'a test',
      ...more,
    })
    const redrive = async (letters: string[], more: Partial<RedriveOrder> = {}) =>
      (await desk.redrive(order(letters, more))).ended
    return { desk, changes, order, redrive, file: join(folder, 'audit.jsonl') }
  }
  type One = ReturnType<typeof openOne>

  const listed = async ({ desk }: One) => (await desk.list()).letters
  const ids = (letters: Letter[]) => letters.map(({ id }) => id)
  const statesOf = ({ steps }: Redrive) => steps.map(({ state }) => state)
  /** The letters about these orders, in the order of the list, once there are as many. */
  const lettersOf = (one: One, orders: string[], count = orders.length) =>
    waitFor(`${count} dead letters`, async () => {
      const found = (await listed(one)).filter(({ order_id }) => orders.includes(order_id ?? ''))
      return found.length === count && found
    })
  const poisoned = async (one: One, count: number) => {
    const orders: string[] = []
    for (let i = 0; i < count; i++) orders.push(await running.poison())
    return lettersOf(one, orders)
  }
  const buried = async (one: One, count: number, reason: string) => {
    const events = Array.from({ length: count }, event)
    for (const each of events) await running.bury(each, reason)
    return lettersOf(
      one,
      events.map(({ subject }) => subject),
    )
  }
  const burgers = async () => (await running.stock()).burger!

  test('looks as often as it likes: no letter is lost, reordered or changed', async () => {
    const one = openOne()
    const letters = await poisoned(one, 3)

    const looks = [await listed(one), await listed(one), await listed(one)]

    expect(looks).toEqual([looks[0], looks[0], looks[0]])
    expect(await one.desk.count()).toEqual({ [name]: looks[0]!.length })
    expect(letters[0]).toMatchObject({ part: name, attempts: 1, redrives: 0, type: 'OrderPlaced' })
    expect(new Set(letters.map(({ group }) => group)).size).toBe(1)
    expect(letters[0]!.reason).toMatch(/item/)
  })

  test('sends an edited letter back under a new id beside the old one, and it has its effect once', async () => {
    const one = openOne()
    const [letter] = await poisoned(one, 1)
    const { body, message_id, verdict } = await one.desk.show(letter!.id)
    const before = await burgers()

    const redrive = await one.redrive([letter!.id], { edited: body.replace(NOT_SOLD, 'burger') })

    expect(verdict).toMatchObject({ ok: false, problems: [expect.stringMatching(/item/)] })
    expect(redrive).toMatchObject({
      state: 'done',
      steps: [{ state: 'effected', order_id: letter!.order_id }],
    })
    expect(redrive.steps[0]!.message_id).not.toBe(message_id)
    expect(await burgers()).toBe(before - 1)
    expect(ids(await listed(one))).not.toContain(letter!.id)
    await expect(one.redrive([letter!.id])).rejects.toThrow('None of the 1 letters')

    const lines = readFileSync(one.file, 'utf8').trim().split('\n')
    const [sending, sent, outcome] = lines.map((line) => JSON.parse(line))
    expect([sending.action, sent.action, outcome.action]).toEqual(['sending', 'sent', 'outcome'])
    expect(sending).toMatchObject({ letter: letter!.id, mode: 'edited', message_id, original: { body } })
    expect(sending.replaced_by).toBe(redrive.steps[0]!.message_id)
  })

  test('refuses what the schema refuses before it is sent', async () => {
    const one = openOne()
    const [letter] = await poisoned(one, 1)

    await expect(one.redrive([letter!.id], { edited: '{"item":"burger"}' })).rejects.toThrow(
      /edited: .*specversion/,
    )
    const asIs = await one.redrive([letter!.id])

    expect(asIs.steps).toMatchObject([{ state: 'not-sent', fact: expect.stringMatching(/refuses it.*item/) }])
    expect(ids(await listed(one))).toContain(letter!.id)
  })

  test('recognises a repeat: the order was decided before', async () => {
    const one = openOne()
    const good = event()
    await running.bury(good, 'first')
    const [first] = await lettersOf(one, [good.subject])
    expect(statesOf(await one.redrive([first!.id], { mode: 'unchanged' }))).toEqual(['effected'])
    const before = await burgers()
    await running.bury(good, 'second')
    await running.bury(good, 'third')
    const [second, third] = await lettersOf(one, [good.subject], 2)

    expect(statesOf(await one.redrive([second!.id], { mode: 'unchanged' }))).toEqual(['repeated'])
    expect(statesOf(await one.redrive([third!.id]))).toEqual(['repeated'])
    expect(await burgers()).toBe(before)
  })

  test('stops by itself when one dies again; the rest stay, and the new letter counts', async () => {
    const one = openOne()
    const letters = await poisoned(one, 4)

    const redrive = await one.redrive(ids(letters), { mode: 'unchanged' })

    expect(redrive).toMatchObject({ state: 'stopped', why: '1 of batch 1 died again' })
    expect(statesOf(redrive)).toEqual(['died-again', 'held-back', 'held-back', 'held-back'])
    const left = await lettersOf(
      one,
      letters.map(({ order_id }) => order_id!),
    )
    expect(ids(left)).toEqual(expect.arrayContaining(ids(letters.slice(1))))
    const again = left.find(({ order_id }) => order_id === letters[0]!.order_id)
    expect(again).toMatchObject({ redrives: 1 })
  })

  test('takes what was chosen at the click: latecomers stay out', async () => {
    const one = openOne()
    const chosen = await buried(one, 3, 'gave up: away')
    const [late] = await buried(one, 1, 'gave up: away')

    const { ended } = await one.desk.redrive(one.order(ids(chosen), { batch: 1 }))
    const [later] = await buried(one, 1, 'gave up: away')
    const redrive = await ended

    expect(redrive.state).toBe('done')
    expect(statesOf(redrive)).toEqual(['effected', 'effected', 'effected'])
    expect(redrive.steps.map(({ batch }) => batch)).toEqual([1, 2, 3])
    const left = ids(await listed(one))
    expect(left).toEqual(expect.arrayContaining([late!.id, later!.id]))
    expect(left.filter((id) => ids(chosen).includes(id))).toEqual([])
  })

  test('begins nothing for a second click, and says so', async () => {
    const one = openOne()
    const letters = await buried(one, 2, 'clicked twice')
    const before = await burgers()

    const { ended } = await one.desk.redrive(one.order(ids(letters)))
    await expect(one.redrive(ids(letters))).rejects.toThrow('is under way: nothing was begun')

    expect(statesOf(await ended)).toEqual(['effected', 'effected'])
    expect(await burgers()).toBe(before - 2)
  })

  test('goes up in batches of 1, 2, 5, …, and tells of each change', async () => {
    const one = openOne()
    const letters = await buried(one, 9, 'many')

    const redrive = await one.redrive(ids(letters))

    expect(redrive.steps.map(({ batch }) => batch)).toEqual([1, 2, 2, 3, 3, 3, 3, 3, 4])
    expect(new Set(statesOf(redrive))).toEqual(new Set(['effected']))
    expect(one.changes.at(-1)).toEqual(redrive)
  })

  test('discards with a reason, and keeps the letter whole in the audit', async () => {
    const one = openOne()
    const [letter] = await poisoned(one, 1)

    const outcome = await one.desk.discard({ letters: [letter!.id], why: 'a test order', by: 'a test' })

    expect(outcome).toEqual({ discarded: [letter!.id], gone: [] })
    expect(ids(await listed(one))).not.toContain(letter!.id)
    const line = JSON.parse(readFileSync(one.file, 'utf8').trim())
    expect(line).toMatchObject({ action: 'discarded', why: 'a test order', by: 'a test' })
    expect(JSON.parse(line.original.body).subject).toBe(letter!.order_id)
  })

  test('does the same from the command line', async () => {
    const one = openOne()
    const [edited, discarded] = await poisoned(one, 2)
    const [sent] = await buried(one, 1, 'sent by hand')
    const folder = dirname(one.file)
    const run = async (command: RunCommand, ...args: string[]) => {
      const printed: string[] = []
      const env = { LIVE_PARTS: JSON.stringify([running.seen]), DESK_DIR: folder }
      const print = (line: string) => void printed.push(line)
      const code = await command(args, { env, print, say: print, signal: new AbortController().signal })
      return { code, text: printed.join('\n') }
    }

    const shown = JSON.parse((await run(commands.show, edited!.id, '--json')).text)
    const body = join(folder, 'body.json')
    writeFileSync(body, shown.body.replace(NOT_SOLD, 'burger'))
    expect(await run(commands.edit, edited!.id, '--body', body)).toMatchObject({
      code: 0,
      text: expect.stringMatching(/- .*sushi.*\+ .*burger.*The schema takes it.*done: 1 effected/s),
    })
    expect(await run(commands.redrive, '--group', 'sent by hand')).toMatchObject({ code: 0 })
    expect(await run(commands.discard, discarded!.id)).toMatchObject({
      code: 2,
      text: expect.stringMatching(/--why/),
    })
    expect(await run(commands.discard, discarded!.id, '--why', 'a test')).toMatchObject({ code: 0 })
    expect(await run(commands.redrive, discarded!.id)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/no dead letter/),
    })

    const left = JSON.parse((await run(commands.list, '--json')).text).letters as Letter[]
    expect(left.filter(({ id }) => ids([edited!, discarded!, sent!]).includes(id))).toEqual([])
  })

  test('says that it heard nothing while the consumer is away; what was sent is handled once it is back', async () => {
    const one = openOne()
    const letters = await buried(one, 2, 'away')
    const before = await burgers()
    const services = Object.values(running.part.services)
    const inventory = services.find((service) => service.name.startsWith('inventory'))!
    await inventory.stop()

    const redrive = await one.redrive(ids(letters), { timeoutMs: 1_000 })
    await inventory.start()

    expect(redrive).toMatchObject({ state: 'stopped', why: '1 of batch 1 were not heard of in time' })
    expect(statesOf(redrive)).toEqual(['timed-out', 'held-back'])
    expect(ids(await listed(one))).toContain(letters[1]!.id)
    // That of part B has its stock in memory here and begins with a full one; that of part C reads its log.
    const full = name === 'async-rabbitmq' ? 100 : before
    await waitFor('the reservation', async () => (await burgers()) === full - 1, { timeoutMs: 60_000 })
  })
})
