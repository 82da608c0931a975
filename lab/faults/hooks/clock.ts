import { writeSync } from 'node:fs'

/**
 * Preloaded into a service: moves its wall clock by LAB_CLOCK_OFFSET_MS at each SIGWINCH, there and back, as a corrected clock
 * does. `performance.now` and timers go on as they were, as they do there.
 */
const movedBy = Number(process.env.LAB_CLOCK_OFFSET_MS)
let offset = 0

const trueNow = Date.now
Date.now = () => trueNow() + offset

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
  apply: (target) => new target(target.now()).toString(),
})
Date.prototype.constructor = Date

process.on('SIGWINCH', () => {
  offset = offset === 0 ? movedBy : 0
  writeSync(2, `clock hook: the clock is moved by ${offset} ms\n`)
})
