import type { Mutation } from '../prove.ts'

const LEDGER = { test: 'lab/ledger/verdict.test.ts' }

/** What makes a wrong number unpublishable. */
export const labMutations: Mutation[] = [
  {
    name: 'ledger-ignores-lost',
    breaks: 'the ledger finds an acknowledged order that is nowhere',
    file: 'lab/ledger/checks.ts',
    find: "else anomalies.add('lost', name,",
    replace: "else if (backlog < 0) anomalies.add('lost', name,",
    check: LEDGER,
  },
  {
    name: 'ledger-ignores-doubled',
    breaks: 'the ledger finds an order that was reserved twice',
    file: 'lab/ledger/table.ts',
    find: "this.#anomalies.add('doubled', row.name, 'inventory reserved it twice')",
    replace: 'this.repeats++',
    check: LEDGER,
  },
  {
    name: 'ledger-ignores-phantom',
    breaks: 'the ledger finds an order nobody placed',
    file: 'lab/ledger/checks.ts',
    find: "report('phantom', there, there.length - wanted.length, NOBODY, subject)",
    replace: "report('phantom', there, 0, NOBODY, subject)",
    check: LEDGER,
  },
  {
    name: 'ledger-unknown-is-lost',
    breaks: 'an order without an answer is never counted as lost',
    file: 'lab/ledger/checks.ts',
    find: "if (outcome !== 'ok' && !holdsStock) return",
    replace: "if (outcome !== 'ok' && outcome !== 'unknown' && !holdsStock) return",
    check: LEDGER,
  },
  {
    name: 'ledger-blind-to-missing-stock',
    breaks: 'the ledger finds stock that is neither left nor reserved',
    file: 'lab/ledger/checks.ts',
    find: 'if (!isMissing && taken <= reserved + open) return',
    replace: 'if (!isMissing) return',
    check: LEDGER,
  },
  {
    name: 'report-shows-invalid-charts',
    breaks: 'figures that may not be believed have no chart',
    file: 'lab/report/page.ts',
    find: 'isInvalid ? inDoubt(record, word) : evidence(record, at, detail)',
    replace: 'evidence(record, at, detail)',
    check: { test: 'lab/report/page.test.ts', title: 'shows no chart' },
  },
  {
    name: 'load-latency-from-send',
    breaks: 'latency counts from when an order was due, so a stall shows in all orders it held up',
    file: 'lab/load/result.ts',
    find: 'const responseUs = (endedAt - intendedAt) * 1_000',
    replace: 'const responseUs = (endedAt - (startedAt ?? intendedAt)) * 1_000',
    check: { test: 'lab/load/open-loop.test.ts', title: 'shows a stall' },
  },
  {
    name: 'load-behind-is-valid',
    breaks: 'a run whose generator fell behind is invalid',
    file: 'lab/load/result.ts',
    find: 'kept_up: reasons.length === 0',
    replace: 'kept_up: true',
    check: { test: 'lab/load/result.test.ts' },
  },
]
