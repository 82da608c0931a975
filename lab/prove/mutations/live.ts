import type { Mutation } from '../mutation.ts'

const APP = { test: 'live/server/app.test.ts' }
const READER = { test: 'live/page/src/lib/stream.test.ts' }
const CONTROL = { test: 'stack/control/control.int.test.ts' }

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
]
