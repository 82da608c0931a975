import { writeSync } from 'node:fs'

/**
 * Preloaded into a service: moves its wall clock by LAB_CLOCK_OFFSET_MS, from the start or, with LAB_CLOCK_AT=signal, at each
 * SIGWINCH there and back, as a corrected clock does. `performance.now` and timers go on as they were, as they do there.
 */
const { LAB_CLOCK_OFFSET_MS = '', LAB_CLOCK_AT = 'start' } = process.env

if (!/^-?\d{1,12}$/.test(LAB_CLOCK_OFFSET_MS))
  throw new Error(`LAB_CLOCK_OFFSET_MS: '${LAB_CLOCK_OFFSET_MS}' is not a whole number of milliseconds`)
if (LAB_CLOCK_AT !== 'start' && LAB_CLOCK_AT !== 'signal')
  throw new Error(`LAB_CLOCK_AT: '${LAB_CLOCK_AT}' is neither start nor signal`)

const movedBy = Number(LAB_CLOCK_OFFSET_MS)
let offset = LAB_CLOCK_AT === 'start' ? movedBy : 0

const trueNow = Date.now
Date.now = () => trueNow() + offset

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
  apply: (target) => new target(target.now()).toString(),
})
Date.prototype.constructor = Date

if (LAB_CLOCK_AT === 'signal') {
  process.on('SIGWINCH', () => {
    offset = offset === 0 ? movedBy : 0
    writeSync(2, `clock hook: the clock is moved by ${offset} ms\n`)
  })
}
