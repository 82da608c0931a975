import { channel } from 'node:diagnostics_channel'

/**
 * Where a crash between two lines matters, a service says that it is there: its part's `steps.ts` tells what has happened
 * by then and what has not. Nobody listens in normal running; the lab's crash hook does.
 */
export const STEP_CHANNEL = 'lab:step'

const reached = channel(STEP_CHANNEL)

/** Tells whoever listens, before it returns. One comparison when nobody does. */
export function reachStep(name: string): void {
  if (reached.hasSubscribers) reached.publish({ name })
}

/** The same for something written to a client library, once it has had the two turns in which the bytes leave. */
export function reachStepOnceSent(name: string): void {
  if (reached.hasSubscribers) setImmediate(() => setImmediate(reachStep, name))
}
