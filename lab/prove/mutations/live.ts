import type { Mutation } from '../prove.ts'

const LETTERS_OF_RABBIT = {
  test: 'live/server/desk/rabbit.int.test.ts',
  title: 'are left where they are when no queue takes the replacement',
}
const APP = { test: 'live/server/app.test.ts' }
const READER = { test: 'live/page/src/lib/stream.test.ts' }
const CONTROL = { test: 'stack/control/control.int.test.ts' }
const LAG = 'live/server/figures/lag.ts'
const IN_LAG = { test: 'live/server/figures/lag.test.ts' }

export const liveMutations: Mutation[] = [
  {
    name: 'live-foreign-page-reads',
    breaks: 'pages of other origins read nothing of the live page',
    file: 'live/server/origin.ts',
    find: 'isForeign ? new LabError',
    replace: 'isForeign && raw.destroyed ? new LabError',
    check: APP,
  },
  {
    name: 'live-password-shown',
    breaks: 'no password of a broker reaches a browser',
    file: 'live/server/part-routes.ts',
    find: 'servers: Object.keys(servers),',
    replace: 'servers: Object.values(servers).map((server) => JSON.stringify(server)),',
    check: APP,
  },
  {
    name: 'live-missed-not-said',
    breaks: 'a window whose gap cannot be filled is told so',
    file: 'live/server/recorder.ts',
    find: 'return seq >= oldest - 1 && seq <= this.position().seq',
    replace: 'return oldest >= 0',
    check: { test: 'live/server/recorder.test.ts' },
  },
  {
    name: 'live-reader-begins-anew',
    breaks: 'a window that comes back gets what it missed',
    file: 'live/page/src/lib/stream.ts',
    find: 'epoch === undefined ?',
    replace: 'epoch !== undefined ?',
    check: READER,
  },
  {
    name: 'live-refusals-not-counted',
    breaks: 'what a switch did is said by the measurements',
    file: 'live/server/switches/observe.ts',
    find: 'during.accepted / answered < REFUSED_BELOW',
    replace: 'during.accepted / answered < 0',
    check: { test: 'live/server/switches/observe.test.ts' },
  },
  {
    name: 'live-control-for-all',
    breaks: 'the control socket is for its user alone',
    file: 'stack/control/server.ts',
    find: 'chmodSync(path, 0o600)',
    replace: 'chmodSync(path, 0o666)',
    check: CONTROL,
  },
  {
    name: 'live-restart-not-watched',
    breaks: 'a service that was started again is missed as well when it dies',
    file: 'stack/control/units.ts',
    find: 'await service.start()\n      watch()',
    replace: 'await service.start()',
    check: CONTROL,
  },
  {
    name: 'live-dead-group-has-no-lag',
    breaks: 'a group that never committed, or is dead, has everything before it',
    file: LAG,
    find: '(isPlace ? Math.max(start, committed) : start)',
    replace: '(isPlace ? Math.max(start, committed) : end)',
    check: IN_LAG,
  },
  {
    name: 'live-unknown-lag-is-0',
    breaks: 'a lag that no broker tells is not known, and never 0',
    file: LAG,
    find: 'return { ...known, messages: null, seconds: null }',
    replace: 'return { ...known, messages: 0, seconds: 0 }',
    check: IN_LAG,
  },
  {
    name: 'live-part-of-a-lag-as-the-whole',
    breaks: 'a lag of which some partitions are not known says so',
    file: LAG,
    find: 'known: messages.length,',
    replace: 'known: partitions.length,',
    check: IN_LAG,
  },
  {
    name: 'live-late-event-moves-back',
    breaks: 'an order moves forward only, however late an event comes',
    file: 'live/server/flow/tracker.ts',
    find: 'if (stop <= known.stop && !isBack) return',
    replace: 'if (stop === known.stop && !isBack) return',
    check: { test: 'live/server/flow/tracker.test.ts' },
  },
  {
    name: 'live-lamp-never-red',
    breaks: 'a lamp turns red when an imbalance stands',
    file: 'live/server/figures/lamps.ts',
    find: 'if (now - this.#brokenSince < REDDENS_AFTER_MS) return',
    replace: 'if (now >= this.#brokenSince) return',
    check: { test: 'live/server/figures/lamps.test.ts' },
  },
  {
    name: 'live-order-listed-twice',
    breaks: 'an order of a page that is read again is counted once',
    file: 'live/server/figures/orders.ts',
    find: 'for (const order of rows.slice(this.#seen)) this.#take(order)',
    replace: 'for (const order of rows) this.#take(order)',
    check: { test: 'live/server/figures/orders.test.ts' },
  },
  {
    name: 'live-desk-removes-before-confirm',
    breaks: 'a dead letter goes only when the broker has confirmed its replacement',
    file: 'live/server/desk/redrive.ts',
    find: 'await work.send(letter, replacement)',
    replace: 'void work.send(letter, replacement).catch(() => {})',
    check: LETTERS_OF_RABBIT,
  },
  {
    name: 'live-desk-takes-a-return-for-a-confirm',
    breaks: 'a replacement that no queue takes is not sent, though RabbitMQ confirms it',
    file: 'live/server/desk/rabbit.ts',
    find: 'if (returned.has(token))',
    replace: 'if (returned.size < 0)',
    check: LETTERS_OF_RABBIT,
  },
  {
    name: 'live-desk-selects-by-query',
    breaks: 'a redrive takes what was chosen at the click, and no latecomer',
    file: 'live/server/desk/desk.ts',
    find: 'newRedrive(place.part, order)',
    replace:
      'newRedrive(place.part, { ...order, letters: (await list({ part: place.part })).letters.map(({ id }) => id) })',
    check: { test: 'live/tests/desk.int.test.ts', title: 'latecomers stay out' },
  },
]
