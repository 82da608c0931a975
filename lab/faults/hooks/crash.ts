import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { STEP_CHANNEL } from '@lab/kit/steps.ts'
import { parts } from '../../../parts.ts'

/**
 * Preloaded into a service: ends the process by SIGKILL at the n-th passage of a step, in the very line that reaches it. With
 * LAB_CRASH_SIGNAL=SIGSTOP the process freezes there instead, until it gets SIGCONT.
 */
const { LAB_CRASH_STEP = '', LAB_CRASH_PASSAGE = '1', LAB_CRASH_SIGNAL = 'SIGKILL' } = process.env

if (!parts.some(({ steps = {} }) => Object.hasOwn(steps, LAB_CRASH_STEP)))
  throw new Error(`LAB_CRASH_STEP: '${LAB_CRASH_STEP}' is not a step of any part`)

let left = Number(LAB_CRASH_PASSAGE)

subscribe(STEP_CHANNEL, (message) => {
  if ((message as { name: string }).name !== LAB_CRASH_STEP || --left !== 0) return
  // Written at once: the log's own stream would lose its last lines.
  writeSync(2, `crash hook: ${LAB_CRASH_SIGNAL} at passage ${LAB_CRASH_PASSAGE} of ${LAB_CRASH_STEP}\n`)
  process.kill(process.pid, LAB_CRASH_SIGNAL)
})
